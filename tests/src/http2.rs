//! Frames of HTTP/2, written by hand (RFC 9113).

/// What a connection begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A piece of a body.
pub const DATA: u8 = 0;
/// The head of a message.
pub const HEADERS: u8 = 1;
/// A wish for an order.
pub const PRIORITY: u8 = 2;
/// The end of a stream before its time.
pub const RESET: u8 = 3;
/// What one side wishes.
pub const SETTINGS: u8 = 4;
/// A question whether the other is there.
pub const PING: u8 = 6;
/// The end of a connection.
pub const GO_AWAY: u8 = 7;
/// More may be sent.
pub const WINDOW_UPDATE: u8 = 8;
/// More of a head.
pub const CONTINUATION: u8 = 9;
/// A flag: nothing follows on the stream.
pub const END_STREAM: u8 = 1;
/// A flag: the head is whole.
pub const END_HEADERS: u8 = 4;

/// A frame, whether it makes sense or not.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
