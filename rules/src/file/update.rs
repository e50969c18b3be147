//! Changing a rule file: only what differs, so that comments, order and the author's formatting survive.

use super::{parse, render};
use crate::rule::Rule;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

/// The text of a rule file with what differs in the rule applied to it.
///
/// A text that cannot be read, or that cannot be changed in part, is written anew.
pub fn update(text: &str, rule: &Rule) -> String {
    let Ok(old) = parse(text, "") else { return render(rule) };
    if old == *rule {
        return text.to_owned();
    }
    changed(text, &old, rule)
        .filter(|text| parse(text, "").is_ok_and(|read| read == *rule))
        .unwrap_or_else(|| render(rule))
}

/// Both rules are rendered, and where they differ the text takes the new one's rendering.
fn changed(text: &str, old: &Rule, new: &Rule) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let old: DocumentMut = render(old).parse().ok()?;
    let new: DocumentMut = render(new).parse().ok()?;
    merge(&mut document, &old, &new);
    Some(document.to_string())
}

/// Applies to a table what differs between two others.
fn merge(table: &mut Table, old: &Table, new: &Table) {
    for (key, _) in old.iter().filter(|(key, _)| !new.contains_key(key)) {
        table.remove(key);
    }
    for (key, item) in new {
        let before = old.get(key);
        if before.is_some_and(|before| before.to_string() == item.to_string()) {
            continue;
        }
        match (table.get_mut(key), before, item) {
            (Some(Item::Table(table)), Some(Item::Table(before)), Item::Table(item)) => merge(table, before, item),
            (Some(Item::ArrayOfTables(tables)), Some(Item::ArrayOfTables(before)), Item::ArrayOfTables(items)) => {
                merge_all(tables, before, items);
            }
            (Some(Item::Value(value)), _, Item::Value(item)) => {
                let decor = value.decor().clone();
                *value = item.clone();
                *value.decor_mut() = decor;
            }
            _ => drop(table.insert(key, placeless(item.clone()))),
        }
    }
}

/// Applies to a list of tables what differs between two others, place by place.
fn merge_all(tables: &mut ArrayOfTables, old: &ArrayOfTables, new: &ArrayOfTables) {
    for (index, item) in new.iter().enumerate() {
        match (tables.get_mut(index), old.get(index)) {
            (Some(table), Some(before)) => merge(table, before, item),
            _ => tables.push(without_place(item.clone())),
        }
    }
    for index in (new.len()..tables.len()).rev() {
        tables.remove(index);
    }
}

/// An item that is written where it is inserted, and not where it stood in the text it comes from.
fn placeless(item: Item) -> Item {
    match item {
        Item::Table(table) => Item::Table(without_place(table)),
        Item::ArrayOfTables(tables) => Item::ArrayOfTables(tables.into_iter().map(without_place).collect()),
        other => other,
    }
}

fn without_place(mut table: Table) -> Table {
    table.set_position(None);
    for (_, item) in table.iter_mut() {
        *item = placeless(std::mem::take(item));
    }
    table
}
