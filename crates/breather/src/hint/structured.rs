//! The structured fields of the IETF's drafts ([RFC 9651](https://www.rfc-editor.org/rfc/rfc9651)).
//!
//! `sfv` decides whether a value is well-formed. A well-formed one is taken apart by its separators alone, so that names
//! and partition keys borrow from the value. `sfv` would hand them out decoded, in memory of its own.

use alloc::string::String;

use sfv::Parser;
use sfv::visitor::Ignored;

/// The items of a list, if it is one and is well-formed, or has several names per item, as Hugging Face sends.
pub(super) fn list(value: &[u8]) -> Option<Parts<'_>> {
    let is_list = Parser::new(value).parse_list_with_visitor(Ignored).is_ok();
    let items = Parts::new(core::str::from_utf8(value).ok()?, b',');
    (is_list || items.clone().all(has_names)).then_some(items)
}

/// Whether an item is several strings before its parameters, `"fixed window";"api";q=500;w=300`.
fn has_names(item: &str) -> bool {
    let is_name = |part: &&str| {
        let inner = part
            .strip_prefix('"')
            .and_then(|part| part.strip_suffix('"'));
        inner.is_some_and(|inner| !inner.contains(['"', '\\']))
    };
    let names = Parts::new(item, b';').take_while(is_name).count();
    let Some((first, _)) = item.split_once(';').filter(|_| names > 1) else {
        return false;
    };
    let parameters = Parts::new(item, b';').skip(names);
    let rest = parameters.fold(String::from(first), |all, part| all + ";" + part);
    let is_item = Parser::new(&rest).parse_item_with_visitor(Ignored).is_ok();
    is_item && rest.len() > first.len()
}

/// The members of a dictionary, if it is one and is well-formed.
pub(super) fn dictionary(value: &[u8]) -> Option<impl Iterator<Item = (&str, Item<'_>)>> {
    Parser::new(value)
        .parse_dictionary_with_visitor(Ignored)
        .ok()?;
    let members = Parts::new(core::str::from_utf8(value).ok()?, b',');
    Some(members.map(|member| {
        // A key without a value, be it with parameters, is true.
        let end = member.find(['=', ';']).unwrap_or(member.len());
        let (key, value) = member.split_at(end);
        (key, Item::new(value.strip_prefix('=').unwrap_or("?1")))
    }))
}

/// What stands between separators, where they are not in a string or an inner list.
#[derive(Clone)]
pub(super) struct Parts<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> Parts<'a> {
    pub(super) const fn new(text: &'a str, separator: u8) -> Self {
        Self {
            rest: Some(text),
            separator,
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        let (mut is_quoted, mut is_escaped, mut depth) = (false, false, 0_u32);
        let (mut before, mut is_display) = (0, false);
        let end = rest.bytes().position(|byte| {
            let before = core::mem::replace(&mut before, byte);
            match byte {
                _ if is_escaped => is_escaped = false,
                // In a display string it is a character like any other.
                b'\\' if is_quoted && !is_display => is_escaped = true,
                b'"' => (is_quoted, is_display) = (!is_quoted, before == b'%'),
                b'(' if !is_quoted => depth += 1,
                b')' if !is_quoted => depth = depth.saturating_sub(1),
                _ => return byte == self.separator && !is_quoted && depth == 0,
            }
            false
        });
        let (part, rest) = match end {
            Some(end) => (&rest[..end], Some(&rest[end + 1..])),
            None => (rest, None),
        };
        self.rest = rest;
        Some(part.trim_ascii())
    }
}

/// An item with those of its parameters that matter here, of a value that is well-formed.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) bare: Bare<'a>,
    /// The remaining quota.
    pub(super) r: Option<Bare<'a>>,
    /// When it resets.
    pub(super) t: Option<Bare<'a>>,
    /// The limit.
    pub(super) q: Option<Bare<'a>>,
    /// How long the window is.
    pub(super) w: Option<Bare<'a>>,
    /// The unit.
    pub(super) qu: Option<Bare<'a>>,
    /// Whose calls share it.
    pub(super) pk: Option<Bare<'a>>,
}

/// An item without parameters, as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bare<'a> {
    /// As written, without its quotes.
    String(&'a str),
    Token(&'a str),
    /// One that is not negative.
    Integer(u64),
    /// As written, without its colons.
    Bytes(&'a str),
    Other,
}

impl<'a> Item<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut parts = Parts::new(text, b';');
        let bare = parts.next().unwrap_or_default();
        let mut item = Self {
            bare: Bare::new(bare),
            r: None,
            t: None,
            q: None,
            w: None,
            qu: None,
            pk: None,
        };
        let mut window = None;
        for parameter in parts {
            if parameter.starts_with('"') {
                // Another name, as the windows of `RateLimit` have it.
                item.bare = Bare::new(parameter);
                continue;
            }
            // Without a value it is true, and of one that is there twice, the last counts.
            let end = parameter.bytes().position(|byte| byte == b'=');
            let (key, value) = match end {
                Some(end) => (&parameter[..end], &parameter[end + 1..]),
                None => (parameter, "?1"),
            };
            let parameter = match key {
                "r" => &mut item.r,
                "t" => &mut item.t,
                "q" => &mut item.q,
                "w" => &mut item.w,
                "window" => &mut window,
                "qu" => &mut item.qu,
                "pk" => &mut item.pk,
                _ => continue,
            };
            *parameter = Some(Bare::new(value));
        }
        // `w` is the draft's name, and counts before the other.
        item.w = item.w.or(window);
        item
    }
}

impl<'a> Bare<'a> {
    fn new(text: &'a str) -> Self {
        match text.as_bytes() {
            [b'"', .., b'"'] => Self::String(&text[1..text.len() - 1]),
            [b':', .., b':'] => Self::Bytes(&text[1..text.len() - 1]),
            [b'0'..=b'9', ..] => text.parse().map_or(Self::Other, Self::Integer),
            // -0 is written as a negative number, and is none.
            [b'-', zeros @ ..] if zeros.iter().all(|&digit| digit == b'0') => Self::Integer(0),
            [b'a'..=b'z' | b'A'..=b'Z' | b'*', ..] => Self::Token(text),
            _ => Self::Other,
        }
    }

    pub(super) const fn integer(self) -> Option<u64> {
        match self {
            Self::Integer(integer) => Some(integer),
            _ => None,
        }
    }

    /// A name, which is a string by the standard and a token in examples of the draft itself.
    pub(super) const fn name(self) -> Option<&'a str> {
        match self {
            Self::String(name) | Self::Token(name) => Some(name),
            _ => None,
        }
    }
}
