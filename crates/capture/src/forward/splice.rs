//! Bytes from one socket to another without a copy of them here: splice(2), by way of a pipe.

use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::pump::{Failed, Passed, copy};

/// Passes bytes until the end, and that too; copies them where the kernel does not move them. `note` is told how many have
/// come.
pub(super) async fn all(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    note: impl Fn(usize),
) -> Result<Passed, Failed> {
    #[cfg(target_os = "linux")]
    linux::all(from.as_ref(), to.as_ref(), &note).await?;
    // What is there is the end, unless the kernel could not go on.
    copy(from, to, u64::MAX, |bytes| note(bytes.len())).await
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        io::{self, ErrorKind},
        os::fd::{AsFd, BorrowedFd, OwnedFd},
        time::Duration,
    };

    use bytes::Bytes;
    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with};
    use tokio::{
        io::Interest,
        net::TcpStream,
        sync::{Semaphore, SemaphorePermit},
        time::timeout,
    };

    use super::Failed;

    /// What a wide pipe holds, bytes.
    const WIDE_BYTES: usize = 512 << 10;
    /// Pipes that are wide at once. The kernel grants a user 64 MiB of pipes (`pipe-user-pages-soft`), and the agents' own
    /// come out of them.
    static WIDE: Semaphore = Semaphore::const_new(32);
    /// A tunnel in which nothing passed for so long gives its pipe back.
    const KEPT_FOR: Duration = Duration::from_secs(1);
    /// What is read of bytes that the kernel does not move.
    const PIECE_BYTES: usize = 4 << 10;

    struct Pipe {
        out: OwnedFd,
        into: OwnedFd,
        _wide: Option<SemaphorePermit<'static>>,
    }

    /// What has come out of a socket.
    enum Come {
        Moved(usize),
        Read(Bytes),
    }

    /// Passes bytes until the end, or until there is no way but copying them.
    pub(super) async fn all(
        from: &TcpStream,
        to: &TcpStream,
        note: &impl Fn(usize),
    ) -> Result<(), Failed> {
        loop {
            from.readable().await.map_err(Failed::From)?;
            let Ok(pipe) = Pipe::new() else {
                return Ok(());
            };
            loop {
                let come = from.async_io(Interest::READABLE, || come(from, &pipe));
                let Ok(come) = timeout(KEPT_FOR, come).await else {
                    break;
                };
                match come {
                    Ok(Come::Read(piece)) if piece.is_empty() => return Ok(()),
                    Ok(Come::Moved(bytes)) => {
                        note(bytes);
                        pipe.empty(to, bytes).await.map_err(Failed::To)?;
                    }
                    Ok(Come::Read(piece)) => {
                        note(piece.len());
                        write_all(to, &piece).await.map_err(Failed::To)?;
                    }
                    Err(error) if cannot(&error) => return Ok(()),
                    Err(error) => return Err(Failed::From(error)),
                }
            }
        }
    }

    /// What is there. At an urgent byte the kernel moves nothing until somebody has read past it, and may call that the end.
    fn come(from: &TcpStream, pipe: &Pipe) -> io::Result<Come> {
        match moved(from.as_fd(), pipe.into.as_fd(), WIDE_BYTES) {
            Ok(bytes) if bytes > 0 => return Ok(Come::Moved(bytes)),
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            Ok(_) | Err(_) => {}
        }
        let mut piece = [0; PIECE_BYTES];
        let bytes = rustix::io::read(from, &mut piece)?;
        let piece = piece.get(..bytes).unwrap_or_default();
        Ok(Come::Read(Bytes::copy_from_slice(piece)))
    }

    fn moved(from: BorrowedFd<'_>, to: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        Ok(rustix::pipe::splice(from, None, to, None, most, flags)?)
    }

    async fn write_all(to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let write = || Ok(rustix::io::write(to, bytes)?);
            let written = to.async_io(Interest::WRITABLE, write).await?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Sockets, or a sandbox, that do not do this.
    fn cannot(error: &io::Error) -> bool {
        matches!(
            error.kind(),
            ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
        )
    }

    impl Pipe {
        fn new() -> io::Result<Self> {
            let (out, into) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
            let wide = WIDE.try_acquire().ok();
            if wide.is_some() {
                // What it has by itself does, too.
                let _ = fcntl_setpipe_size(&into, WIDE_BYTES);
            }
            Ok(Self {
                out,
                into,
                _wide: wide,
            })
        }

        /// Moves on what was moved in.
        async fn empty(&self, to: &TcpStream, mut bytes: usize) -> io::Result<()> {
            while bytes > 0 {
                let out = || moved(self.out.as_fd(), to.as_fd(), bytes);
                bytes -= to.async_io(Interest::WRITABLE, out).await?;
            }
            Ok(())
        }
    }
}
