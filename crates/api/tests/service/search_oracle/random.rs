//! Random items, with much that people write by hand, and random filters that match some of them.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};

use super::brute_force::{ACCOUNT, Leaf, Like, Tree};
use crate::harness::text;

/// The splitmix64 generator: a seed repeats everything. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators" (2014).
pub(super) struct Random(u64);

const WORDS: [&str; 8] = ["acme", "Acme", "acme-logs", "ogs", "globex", "é", "c1u5ter", "*a\"\\"];
const TEXT_FIELDS: [&str; 7] = [
    "tenant_id",
    "type",
    "bucket_name",
    "bucket_prefix",
    "log_group_name",
    "target_region",
    ACCOUNT,
];
const FIELDS: [&str; 12] = [
    "tenant_id",
    "type",
    "log_distribution_role_arn",
    "log_group_name",
    "bucket_name",
    "bucket_prefix",
    "target_region",
    "enabled",
    "desired_logs",
    "ttl",
    "created_at",
    ACCOUNT,
];
const TIMES: [&str; 7] = [
    "2024-01-15T10:30:00Z",
    "2024-01-15T23:30:00+14:00",
    "2024-01-14T20:30:00-14:00",
    "2024-01-15T11:30:00.5+01:00",
    "2024-01-16T00:00:00Z",
    "1999-12-31T23:59:59Z",
    "2030-06-01T00:00:00Z",
];
const TTLS: [i64; 5] = [-1, 0, 4_102_444_800, 4_102_444_801, 1];
const COMPARATORS: [&str; 6] = ["=", "!=", "<", "<=", ">", ">="];
const ACCOUNTS: [&str; 3] = ["123456789012", "123456789013", "999999999999"];

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// An item of a tenant with this number in its id.
    pub(super) fn item(&mut self, number: usize, now: i64) -> Vec<(&'static str, AttributeValue)> {
        let word = self.pick(&WORDS);
        let tenant_id = if self.chance(80) {
            format!("{}-{number}", word.replace(['*', '"', '\\', 'é'], ""))
        } else {
            format!("{word} {number}")
        };
        let delivery_type = self.pick(&["s3", "s3", "s3", "cloudwatch", "cloudwatch", "CloudWatch", "splunk"]);
        let mut item = vec![("tenant_id", text(&tenant_id)), ("type", text(delivery_type))];
        let fields = ["bucket_name", "bucket_prefix", "log_group_name", "target_region"];
        for name in fields {
            let value = self.text_value();
            self.add(&mut item, name, value);
        }
        let role = self.role();
        self.add(&mut item, "log_distribution_role_arn", role);
        let enabled = AttributeValue::Bool(self.chance(60));
        self.add(&mut item, "enabled", enabled);
        let names = self.names();
        self.add(&mut item, "desired_logs", names);
        let ttl = self.ttl(now);
        self.add(&mut item, "ttl", ttl);
        let created_at = text(self.pick(&TIMES));
        self.add(&mut item, "created_at", created_at);
        if self.chance(5) {
            item.push(("note", text("by hand")));
        }
        item
    }

    /// Adds the value, or nothing, or something that does not belong there.
    fn add(&mut self, item: &mut Vec<(&'static str, AttributeValue)>, name: &'static str, value: AttributeValue) {
        match self.below(10) {
            0..6 => item.push((name, value)),
            6 | 7 => item.push((name, self.garbage())),
            _ => {}
        }
    }

    fn garbage(&mut self) -> AttributeValue {
        match self.below(12) {
            0 => AttributeValue::Null(true),
            1 => AttributeValue::N("7".to_owned()),
            2 => AttributeValue::N("1E+100".to_owned()),
            3 => AttributeValue::Bool(true),
            4 => AttributeValue::B(Blob::new(*b"acme")),
            5 => text(""),
            6 => text("true"),
            7 | 8 => AttributeValue::L(vec![
                text("acme"),
                AttributeValue::Null(true),
                AttributeValue::N("1".to_owned()),
            ]),
            9 => AttributeValue::M([("acme".to_owned(), text("acme"))].into()),
            10 => AttributeValue::Ss(vec!["acme".to_owned(), "globex".to_owned()]),
            _ => text("yesterday"),
        }
    }

    fn text_value(&mut self) -> AttributeValue {
        let (one, other) = (self.pick(&WORDS), self.pick(&WORDS));
        match self.below(4) {
            0 => text(&format!("{one}-{other}")),
            1 => text(&format!("/aws/{one}")),
            _ => text(one),
        }
    }

    fn role(&mut self) -> AttributeValue {
        let account = self.pick(&ACCOUNTS);
        match self.below(6) {
            0 => text(&format!("arn:aws:iam::{account}")),
            1 => text(&format!("arn:aws:iam:{account}:role/acme")),
            2 => text(&format!("arn:aws:iam::99:role/:{account}:")),
            _ => text(&format!("arn:aws:iam::{account}:role/acme")),
        }
    }

    fn names(&mut self) -> AttributeValue {
        let names = (0..self.below(3)).map(|_| self.pick(&WORDS)).collect::<Vec<_>>();
        if self.chance(20) && names.len() == 1 {
            return AttributeValue::Ss(vec![names[0].to_owned(), "x".to_owned()]);
        }
        if self.chance(10) {
            return AttributeValue::L(vec![text("")]);
        }
        AttributeValue::L(names.into_iter().map(text).collect())
    }

    fn ttl(&mut self, now: i64) -> AttributeValue {
        match self.below(8) {
            0 => AttributeValue::N((now - 100).to_string()),
            1 => AttributeValue::N("4102444800.5".to_owned()),
            2 => AttributeValue::N("4102444800.0000000000000000000001".to_owned()),
            _ => AttributeValue::N(self.pick(&TTLS).to_string()),
        }
    }

    pub(super) fn filter(&mut self) -> Tree {
        self.tree(3)
    }

    fn tree(&mut self, depth: usize) -> Tree {
        match self.below(if depth == 0 { 4 } else { 10 }) {
            0..4 => Tree::Leaf(self.leaf()),
            4 | 5 => Tree::Not(Box::new(self.tree(depth - 1))),
            6 | 7 => Tree::Or(self.trees(depth)),
            _ => Tree::And(self.trees(depth)),
        }
    }

    fn trees(&mut self, depth: usize) -> Vec<Tree> {
        (0..2 + self.below(depth.min(2)))
            .map(|_| self.tree(depth - 1))
            .collect()
    }

    fn leaf(&mut self) -> Leaf {
        match self.below(15) {
            0 => Leaf::Present(self.pick(&FIELDS)),
            1..5 => {
                let name = self.pick(&TEXT_FIELDS);
                Leaf::Like(name, self.chance(70), self.like(name))
            }
            5 => {
                let name = self.pick(&TEXT_FIELDS);
                let other = if name == ACCOUNT {
                    self.pick(&ACCOUNTS)
                } else {
                    self.pick(&WORDS)
                };
                Leaf::Order(name, self.pick(&COMPARATORS[2..]), other.to_owned())
            }
            6 | 7 => Leaf::Enabled(self.chance(50)),
            8 => Leaf::Ttl(self.pick(&COMPARATORS), self.pick(&TTLS)),
            9 | 10 => Leaf::Time("created_at", self.pick(&COMPARATORS), self.pick(&TIMES).to_owned()),
            11 => Leaf::Listed(self.like("desired_logs")),
            12 => Leaf::Delivers(self.pick(&WORDS).to_owned()),
            13 => Leaf::Broken,
            _ => Leaf::Word(self.pick(&WORDS).to_owned()),
        }
    }

    fn like(&mut self, name: &str) -> Like {
        if name == ACCOUNT {
            let account = self.pick(&ACCOUNTS);
            return match self.below(3) {
                0 => self.open(&account[..4], false, true),
                1 => self.open(&account[8..], true, false),
                _ => self.open(account, false, false),
            };
        }
        let word = match name {
            "type" => self.pick(&["s3", "S3", "cloudwatch", "splunk"]),
            _ => self.pick(&WORDS),
        };
        let (before, after) = (self.chance(40), self.chance(40));
        let word = if self.chance(5) { "" } else { word };
        self.open(word, before && !word.is_empty(), after)
    }

    #[expect(clippy::unused_self, reason = "reads like the others")]
    fn open(&self, text: &str, before: bool, after: bool) -> Like {
        Like {
            before,
            text: text.to_owned(),
            after,
        }
    }

    /// The filter as a text, in one of its many forms.
    pub(super) fn write(&mut self, tree: &Tree) -> String {
        match tree {
            Tree::Leaf(leaf) => self.write_leaf(leaf),
            Tree::Not(tree) => {
                let operand = self.write_part(tree, false);
                let operator = if self.chance(50) { "NOT " } else { "-" };
                format!("{operator}{operand}")
            }
            Tree::And(trees) => {
                let mut parts = Vec::new();
                for tree in trees {
                    if !parts.is_empty() && self.chance(50) {
                        parts.push("AND".to_owned());
                    }
                    // It binds tighter than AND, so it needs no parentheses.
                    let is_bare = matches!(tree, Tree::Or(_)) && self.chance(50);
                    parts.push(self.write_part(tree, is_bare));
                }
                parts.join(" ")
            }
            Tree::Or(trees) => {
                let parts: Vec<_> = trees.iter().map(|tree| self.write_part(tree, false)).collect();
                parts.join(" OR ")
            }
        }
    }

    fn write_part(&mut self, tree: &Tree, is_bare: bool) -> String {
        let part = self.write(tree);
        if is_bare || (matches!(tree, Tree::Leaf(_)) && self.chance(90)) {
            part
        } else {
            format!("({part})")
        }
    }

    fn write_leaf(&mut self, leaf: &Leaf) -> String {
        match leaf {
            Leaf::Present(name) => format!("{name}:*"),
            Leaf::Like(name, is_equal, like) => {
                let operator = if *is_equal { "=" } else { "!=" };
                let space = self.pick(&["", " "]);
                format!("{name}{space}{operator}{space}{}", self.write_like(like))
            }
            Leaf::Order(name, operator, other) => format!("{name} {operator} {}", self.quote(other)),
            Leaf::Enabled(value) if self.chance(30) => format!("enabled != {}", !value),
            Leaf::Enabled(value) => format!("enabled = {value}"),
            Leaf::Ttl(operator, seconds) => format!("ttl {operator} {seconds}"),
            Leaf::Time(name, operator, time) => format!("{name} {operator} {time}"),
            Leaf::Listed(like) => format!("desired_logs:{}", self.write_like(like)),
            Leaf::Delivers(name) => format!("delivers({})", self.quote(name)),
            Leaf::Broken => "broken".to_owned(),
            Leaf::Word(word) => self.quote(word),
        }
    }

    fn write_like(&mut self, Like { before, text, after }: &Like) -> String {
        if !before && !after {
            return self.quote(text);
        }
        let asterisk = |is_there: &bool| if *is_there { "*" } else { "" };
        format!("\"{}{}{}\"", asterisk(before), escape(text), asterisk(after))
    }

    /// In one of the quotes, or without if it needs none.
    fn quote(&mut self, text: &str) -> String {
        let is_plain = |character: char| character.is_alphanumeric() || character == '-';
        match self.below(3) {
            0 if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
            1 => format!("'{}'", escape(text)),
            _ => format!("\"{}\"", escape(text)),
        }
    }
}

fn escape(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let is_special = matches!(character, '"' | '\'' | '\\' | '*');
            is_special.then_some('\\').into_iter().chain([character])
        })
        .collect()
}
