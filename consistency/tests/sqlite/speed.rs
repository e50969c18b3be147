//! How fast commits become durable; run by hand, in a release build.

use super::*;
use std::time::{Duration, Instant};

#[test]
#[ignore = "prints figures of the machine"]
fn durable_commits_a_second() {
    let folder = Folder::new();
    let shell = folder.open();
    for threads in [1_u32, 2, 4, 8, 16, 64] {
        let lasting = Duration::from_secs(2);
        let made: u32 = std::thread::scope(|scope| {
            let work = |thread: u32| {
                let shell = &shell;
                scope.spawn(move || {
                    let (since, mut made) = (Instant::now(), 0);
                    while since.elapsed() < lasting {
                        let id = begin(shell);
                        read(shell, id, &format!("cell/{thread}/{}", made % 64));
                        read(shell, id, "shared");
                        committed(commit(shell, id, put(&format!("cell/{thread}/{}", made % 64), json!(made))));
                        made += 1;
                    }
                    made
                })
            };
            let working: Vec<_> = (0..threads).map(work).collect();
            working.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        println!("{threads:>3} threads: {:>8.0} commits/s", f64::from(made) / lasting.as_secs_f64());
    }
    let mut file = std::fs::File::create(folder.0.path().join("sync")).unwrap();
    let (since, mut syncs) = (Instant::now(), 0_u32);
    while since.elapsed() < Duration::from_secs(1) {
        std::io::Write::write_all(&mut file, &[0; 4096]).unwrap();
        file.sync_data().unwrap();
        syncs += 1;
    }
    println!("the disk alone: {syncs} syncs of 4 KiB/s");
}
