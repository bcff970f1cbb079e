use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use clnwire_io::socket::{Socket, receive_into};
use rustix::io::Errno;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("clnwire-io-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn bytes_go_both_ways() {
    let folder = Folder::new("ways");
    let path = folder.0.join("rpc");
    let listener = UnixListener::bind(&path).unwrap();
    let socket = Socket::connect(&path).unwrap();
    let (mut daemon, _) = listener.accept().unwrap();
    assert!(socket.number() >= 0);
    assert_eq!(socket.send(b"request"), Ok(Some(7)));
    let mut request = [0; 7];
    daemon.read_exact(&mut request).unwrap();
    assert_eq!(&request, b"request");
    let mut room = [0; 16];
    assert_eq!(socket.receive(|socket| receive_into(socket, &mut room)), Ok(None));
    daemon.write_all(b"answer").unwrap();
    assert_eq!(socket.receive(|socket| receive_into(socket, &mut room)), Ok(Some(6)));
    socket.hang_up();
    assert_eq!(daemon.read(&mut request).unwrap(), 0);
    socket.close();
    socket.hang_up();
    assert_eq!((socket.number(), socket.send(b"x")), (-1, Err(Errno::BADF)));
}

#[test]
fn a_path_may_be_longer_than_an_address() {
    let folder = Folder::new("long");
    let long = folder.0.join("x".repeat(120));
    std::fs::create_dir_all(&long).unwrap();
    // The daemon binds by a relative name; a link stands for that here.
    let listener = UnixListener::bind(folder.0.join("rpc")).unwrap();
    std::fs::hard_link(folder.0.join("rpc"), long.join("rpc")).unwrap();
    let socket = Socket::connect(&long.join("rpc")).unwrap();
    let (mut daemon, _) = listener.accept().unwrap();
    socket.send(b"x").unwrap();
    daemon.read_exact(&mut [0]).unwrap();
}

#[test]
fn nobody_listens() {
    let folder = Folder::new("nobody");
    assert!(matches!(Socket::connect(&folder.0.join("rpc")), Err(Errno::NOENT)));
}
