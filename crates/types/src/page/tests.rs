//! What page tokens promise.

use super::*;

const ARGUMENTS: (&str, i32) = ("organization", 3);

fn token() -> String {
    PageToken::after(ARGUMENTS, ["2026-01-02", "äöü", ""]).to_string()
}

#[test]
fn a_token_brings_its_key_back() -> Result<(), PageTokenError> {
    let read = PageToken::parse(&token(), ARGUMENTS)?;
    assert_eq!(read.part::<String>(0)?, "2026-01-02");
    assert_eq!(read.part::<String>(1)?, "äöü");
    assert_eq!(read.part::<String>(2)?, "");
    assert_eq!(read.part::<String>(3), Err(PageTokenError::Malformed));
    assert_eq!(read.part::<i64>(0), Err(PageTokenError::Malformed));
    Ok(())
}

#[test]
fn a_token_fits_into_a_url() {
    assert!(token().bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_'));
}

#[test]
fn changed_arguments_are_refused() {
    let error = PageToken::parse(&token(), ("organization", 4)).err();
    assert_eq!(error, Some(PageTokenError::OtherArguments));
}

#[test]
fn every_changed_letter_is_noticed() {
    let token = token();
    for (index, letter) in token.char_indices() {
        let other = if letter == 'A' { 'B' } else { 'A' };
        let mut changed = token.clone();
        changed.replace_range(index..=index, other.encode_utf8(&mut [0; 4]));
        let error = PageToken::parse(&changed, ARGUMENTS).err();
        assert_eq!(error, Some(PageTokenError::Malformed), "letter {index}");
    }
}

#[test]
fn every_shortened_token_is_noticed() {
    let token = token();
    for len in 1..token.len() {
        let error = PageToken::parse(&token[..len], ARGUMENTS).err();
        assert_eq!(error, Some(PageTokenError::Malformed), "length {len}");
    }
}

#[test]
fn endless_tokens_are_refused() {
    let error = PageToken::parse(&"A".repeat(100_000), ARGUMENTS).err();
    assert_eq!(error, Some(PageTokenError::Malformed));
}

#[test]
fn page_sizes_stay_within_their_bounds() -> Result<(), PageTokenError> {
    for (asked, limit) in [(0, 51), (-1, 51), (1, 2), (200, 201), (i32::MAX, 201)] {
        assert_eq!(Page::parse(asked, "", ARGUMENTS)?.limit(), limit);
    }
    Ok(())
}

#[test]
fn the_last_page_has_no_next() -> Result<(), PageTokenError> {
    let page = Page::parse(3, "", ARGUMENTS)?;
    assert_eq!(page.after::<i32>()?, None);
    assert_eq!(page.cut(vec![1, 2, 3], |row| vec![*row]), (vec![1, 2, 3], String::new()));
    assert_eq!(page.cut(Vec::new(), |row: &i32| vec![*row]), (Vec::new(), String::new()));
    Ok(())
}
