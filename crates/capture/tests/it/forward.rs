//! The forward proxy between clients and hosts of its own.

mod http;
mod intercept;
mod refusals;
mod tunnels;
mod world;
