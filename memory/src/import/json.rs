//! JSON files of any size: one element after the other, never the whole.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;

/// Hands over each element of a JSON array, counted from 1; a file that is one object is an array of one.
///
/// # Errors
/// [`serde_json::Error`] where the file is no JSON; what came before has been handed over.
pub(crate) fn elements(
    input: impl Read,
    each: &mut dyn FnMut(usize, Value) -> ControlFlow<()>,
) -> Result<(), serde_json::Error> {
    let mut stopped = false;
    let mut file = serde_json::Deserializer::from_reader(input);
    let read = Elements { each, stopped: &mut stopped }.deserialize(&mut file);
    if stopped { Ok(()) } else { read.and_then(|()| file.end()) }
}

struct Elements<'e> {
    each: &'e mut dyn FnMut(usize, Value) -> ControlFlow<()>,
    stopped: &'e mut bool,
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(element) = array.next_element()? {
            count += 1;
            if (self.each)(count, element).is_break() {
                *self.stopped = true;
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = object.next_entry()? {
            fields.insert(name, value);
        }
        *self.stopped = (self.each)(1, Value::Object(fields)).is_break();
        Ok(())
    }
}
