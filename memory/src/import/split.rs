//! Texts that are too long for one record, taken apart where it hurts least. The parts together are the text again, white
//! space at the cuts aside.

/// The parts of a text, each of at most so many bytes: cut after a paragraph, else a line, a sentence, a word, a character.
pub(crate) fn within(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        let (part, later) = first(rest, most)?;
        rest = later;
        Some(part)
    })
}

/// The first part and what follows it; nothing of nothing.
fn first(text: &str, most: usize) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    if text.len() <= most {
        return Some((text, ""));
    }
    let end = text.floor_char_boundary(most).max(text.chars().next().map_or(1, char::len_utf8));
    let (head, _) = text.split_at_checked(end)?;
    // A cut in the first half would leave a part that says little.
    let late = |place: Option<usize>| place.filter(|place| *place > end / 2);
    let cut = ["\n\n", "\n", ". ", " "].iter().find_map(|mark| late(head.rfind(mark).map(|place| place + mark.len())));
    let (part, later) = text.split_at_checked(cut.unwrap_or(end))?;
    Some((part.trim_end(), later.trim_start()))
}
