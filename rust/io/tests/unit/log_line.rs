use clnwire_io::log_line::cut;

#[test]
fn a_line_of_usual_length_is_whole() {
    assert_eq!(cut("hello"), "hello");
    let long = "x".repeat(200_000);
    assert_eq!(cut(&long), long);
}

#[test]
fn a_line_that_is_too_long_says_how_much_is_missing() {
    for (letter, escaped) in [("x", 1), ("\u{1b}", 6), ("\n", 2), ("é", 2)] {
        let line = letter.repeat(300_000);
        let cut = cut(&line);
        let (kept, note) = cut.split_once(" [... ").unwrap();
        let missing: usize = note.strip_suffix(" more characters]").unwrap().parse().unwrap();
        assert_eq!(kept.chars().count() + missing, 300_000);
        assert!(kept.chars().count() * escaped + note.len() + 6 <= 1 << 18);
    }
}
