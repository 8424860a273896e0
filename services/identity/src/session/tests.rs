//! Sessions, judged at times of our choosing.

use secrecy::ExposeSecret;

use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn secret() -> Secret {
    "s".repeat(32).parse().expect("long enough")
}

fn session(now: OffsetDateTime) -> (Session, RefreshToken) {
    let id = SessionId::generate();
    let token = RefreshToken::random(id, 0);
    (Session::open(id, UserId::generate(), None, String::new(), &token, now), token)
}

#[test]
fn a_token_survives_its_text_and_forgeries_do_not() {
    let (_, token) = session(NOW);
    let text = token.write(&secret());
    let text = text.expose_secret();
    assert_eq!(RefreshToken::parse(&secret(), text).map(|it| it.hash()), Some(token.hash()));
    let other = "t".repeat(32).parse().expect("long enough");
    assert!(RefreshToken::parse(&other, text).is_none());
    for forged in ["", "srt_", "srt_AAAA", &text[4..], &text[..text.len() - 1]] {
        assert!(RefreshToken::parse(&secret(), forged).is_none(), "{forged}");
    }
    let other = if text[20..].starts_with('A') { "B" } else { "A" };
    let forged = [&text[..20], other, &text[21..]].concat();
    assert!(RefreshToken::parse(&secret(), &forged).is_none());
}

#[test]
fn a_token_works_once_and_its_answer_may_get_lost() {
    let (mut session, first) = session(NOW);
    let Verdict::Rotate(second) = session.judge(&secret(), &first, NOW) else { panic!("fresh") };
    session.rotate(&second, NOW);

    let again = session.judge(&secret(), &first, NOW + GRACE);
    let Verdict::Repeat(repeated) = again else { panic!("within grace: {again:?}") };
    assert_eq!(repeated.hash(), second.hash());
    let late = session.judge(&secret(), &first, NOW + GRACE + Duration::milliseconds(1));
    assert!(matches!(late, Verdict::Reused));
    assert!(matches!(session.judge(&secret(), &second, NOW), Verdict::Rotate(_)));
}

#[test]
fn a_token_of_long_ago_is_known() {
    let (mut session, first) = session(NOW);
    let mut token = first.clone();
    for _ in 0..3 {
        token = token.successor(&secret());
        session.rotate(&token, NOW);
    }
    assert!(matches!(session.judge(&secret(), &first, NOW), Verdict::Reused));
}

#[test]
fn a_switch_voids_the_token_without_blaming_its_holder() {
    let (mut session, first) = session(NOW);
    let next = RefreshToken::random(session.id, session.generation + 1);
    session.switch(OrganizationId::generate(), &next, NOW);
    assert!(matches!(session.judge(&secret(), &first, NOW), Verdict::Replaced));
    assert!(matches!(session.judge(&secret(), &next, NOW), Verdict::Rotate(_)));
}

#[test]
fn sessions_slide_up_to_their_cap() {
    let (mut session, mut token) = session(NOW);
    for days in [29, 58, 87] {
        token = token.successor(&secret());
        session.rotate(&token, NOW + Duration::days(days));
    }
    assert_eq!(session.expires_at, NOW + LONGEST_LIFE);
    let late = session.judge(&secret(), &token, NOW + LONGEST_LIFE);
    assert!(matches!(late, Verdict::Expired));
    session.is_revoked = true;
    assert!(matches!(session.judge(&secret(), &token, NOW), Verdict::Revoked));
}

#[test]
fn a_repeated_sign_up_gets_its_token_again() {
    let id = SessionId::generate();
    let make = |request_id| RefreshToken::of_sign_up(&secret(), id, request_id).hash();
    assert_eq!(make("a"), make("a"));
    assert_ne!(make("a"), make("b"));
}
