//! Bytes from one socket to another without a copy of them here: splice(2), by way of a pipe.

use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::pump::Failed;

/// Passes bytes until the end.
#[cfg(not(target_os = "linux"))]
pub(super) async fn all(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    note: impl Fn(usize),
) -> Result<(), Failed> {
    super::pump::copy(from, to, u64::MAX, |bytes| note(bytes.len())).await?;
    Ok(())
}

#[cfg(target_os = "linux")]
pub(super) use linux::all;

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        io,
        os::fd::{AsFd, OwnedFd},
        time::Duration,
    };

    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with};
    use tokio::{io::Interest, net::TcpStream, time::timeout};

    use super::{Failed, OwnedReadHalf, OwnedWriteHalf};

    /// What the pipe is asked to hold, bytes.
    const PIPE_BYTES: usize = 512 << 10;
    /// A tunnel in which nothing passed for so long gives its pipe back.
    const KEPT_FOR: Duration = Duration::from_secs(1);

    struct Pipe {
        out: OwnedFd,
        into: OwnedFd,
    }

    /// Passes bytes until the end. `note` is told how many have come.
    pub(in super::super) async fn all(
        from: &mut OwnedReadHalf,
        to: &mut OwnedWriteHalf,
        note: impl Fn(usize),
    ) -> Result<(), Failed> {
        let (from, to): (&TcpStream, &TcpStream) = (from.as_ref(), to.as_ref());
        loop {
            from.readable().await.map_err(Failed::From)?;
            let pipe = Pipe::new().map_err(Failed::From)?;
            let moved = |from: &_, to: &_, most| {
                let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
                Ok(rustix::pipe::splice(from, None, to, None, most, flags)?)
            };
            loop {
                let come = from.async_io(Interest::READABLE, || {
                    moved(&from.as_fd(), &pipe.into.as_fd(), PIPE_BYTES)
                });
                let Ok(come) = timeout(KEPT_FOR, come).await else {
                    break;
                };
                let mut waiting = come.map_err(Failed::From)?;
                if waiting == 0 {
                    return Ok(());
                }
                note(waiting);
                while waiting > 0 {
                    let gone = to.async_io(Interest::WRITABLE, || {
                        moved(&pipe.out.as_fd(), &to.as_fd(), waiting)
                    });
                    waiting -= gone.await.map_err(Failed::To)?;
                }
            }
        }
    }

    impl Pipe {
        fn new() -> io::Result<Self> {
            let (out, into) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
            // What it has by itself does, too.
            let _ = fcntl_setpipe_size(&into, PIPE_BYTES);
            Ok(Self { out, into })
        }
    }
}
