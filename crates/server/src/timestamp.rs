//! Times, as the wire knows them.

use prost_types::Timestamp;
use time::OffsetDateTime;

/// Returns `time` as the wire knows it.
pub fn timestamp(time: OffsetDateTime) -> Timestamp {
    let nanos = i32::try_from(time.nanosecond()).expect("a second has a milliard of them");
    Timestamp { seconds: time.unix_timestamp(), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_time_is_lost() {
        let eve = OffsetDateTime::UNIX_EPOCH - time::Duration::nanoseconds(1);
        assert_eq!(timestamp(eve), Timestamp { seconds: -1, nanos: 999_999_999 });
        let day = OffsetDateTime::UNIX_EPOCH + time::Duration::days(1);
        assert_eq!(timestamp(day), Timestamp { seconds: 86_400, nanos: 0 });
    }
}
