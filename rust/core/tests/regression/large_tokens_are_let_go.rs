//! The map kept the memory of a thousand answered tokens of any size. Callers choose the ids: a
//! thousand ids of a megabyte would have held a gigabyte for ever.

use allocation_counter::measure;
use clnwire_core::IdMap;

#[test]
fn after_a_thousand_large_ids() {
    let token = vec![b'1'; 100_000];
    let memory = measure(|| {
        let mut ids = IdMap::new();
        let keys: Vec<u64> = (0..1000).map(|_| ids.insert(&token)).collect();
        for key in keys {
            ids.take(key).unwrap();
        }
        let held = measure(|| drop(std::mem::take(&mut ids)));
        assert!(held.bytes_current > -1_000_000, "{} bytes were held", -held.bytes_current);
    });
    assert_eq!(memory.bytes_current, 0);
}
