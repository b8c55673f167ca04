/// Longest payload of a frame in bytes: bounds the memory of a recovery.
pub const MAX_FRAME_BYTES: usize = 64 << 20;
