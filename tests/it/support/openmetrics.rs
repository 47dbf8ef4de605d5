//! A strict reader of the `OpenMetrics` text format, as far as the bot's metrics need it. It shares
//! nothing with the library that writes them.

use std::collections::{BTreeMap, BTreeSet};

/// A scrape. Whatever does not fit the format ends the test.
pub struct Scrape {
    families: BTreeMap<String, Family>,
    samples: BTreeMap<String, f64>,
}

#[derive(Default)]
struct Family {
    kind: String,
    unit: String,
    help: String,
}

impl Scrape {
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("the end is marked");
        let mut scrape = Self {
            families: BTreeMap::new(),
            samples: BTreeMap::new(),
        };
        let mut current = String::new();
        for line in body.lines() {
            if let Some(told) = line.strip_prefix("# ") {
                scrape.tell(told, &mut current);
            } else {
                scrape.sample(line, &current);
            }
        }
        for (name, family) in &scrape.families {
            assert!(!family.help.is_empty(), "{name} has no help");
            let ends = name.ends_with(&format!("_{}", family.unit));
            assert!(
                family.unit.is_empty() || ends,
                "{name} is in {}",
                family.unit
            );
        }
        scrape.check_histograms();
        scrape
    }

    /// `HELP`, `TYPE` or `UNIT`, each once, the lines of a family together.
    #[track_caller]
    fn tell(&mut self, told: &str, current: &mut String) {
        let mut parts = told.splitn(3, ' ');
        let mut part = || parts.next().expect("a whole line");
        let (what, name, rest) = (part(), part(), part());
        assert!(is_name(name), "{name} is no name");
        if name != current {
            let fresh = self.families.insert(name.to_owned(), Family::default());
            assert!(fresh.is_none(), "{name} comes twice");
            name.clone_into(current);
        }
        let family = self.families.get_mut(name).unwrap();
        let slot = match what {
            "HELP" => Some(&mut family.help),
            "TYPE" => Some(&mut family.kind),
            "UNIT" => Some(&mut family.unit),
            _ => None,
        };
        let slot = slot.expect("a word of the format");
        assert!(slot.is_empty(), "{what} of {name} comes twice");
        rest.clone_into(slot);
    }

    #[track_caller]
    fn sample(&mut self, line: &str, current: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let suffixes: &[&str] = match self.families[current].kind.as_str() {
            "gauge" => &[""],
            "counter" => &["_total"],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[],
        };
        let fits = name
            .strip_prefix(current)
            .is_some_and(|suffix| suffixes.contains(&suffix));
        assert!(fits, "{name} stands under {current}");
        check_labels(labels.strip_suffix('}').expect("the labels' end"));
        let value: f64 = value.parse().expect("a number");
        let fresh = self.samples.insert(series.to_owned(), value);
        assert!(fresh.is_none(), "{series} comes twice");
    }

    /// Buckets never fall, and the last one holds everything.
    #[track_caller]
    fn check_histograms(&self) {
        let mut histograms = BTreeMap::<String, Vec<(f64, f64)>>::new();
        for (series, value) in &self.samples {
            let Some((name, labels)) = series.split_once("_bucket{") else {
                continue;
            };
            let (before, bound) = labels.split_once("le=\"").expect("a bound");
            let (bound, after) = bound.split_once('"').unwrap();
            let labels = [
                before.trim_matches(','),
                after.trim_matches(&[',', '}'][..]),
            ];
            let labels = labels.into_iter().filter(|part| !part.is_empty());
            let labels = labels.collect::<Vec<_>>().join(",");
            let bound = bound.replace("+Inf", "inf").parse().expect("a bound");
            let buckets = histograms.entry(with_labels(&format!("{name}_count"), &labels));
            buckets.or_default().push((bound, *value));
        }
        for (count, mut buckets) in histograms {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(
                buckets.is_sorted_by(|one, other| one.1 <= other.1),
                "{count}"
            );
            assert_eq!(buckets.last(), Some(&(f64::INFINITY, self.samples[&count])));
        }
    }

    /// A series, if it is there.
    pub fn get(&self, series: &str) -> Option<f64> {
        self.samples.get(series).copied()
    }

    /// Each family's name, with the suffix that its values have if they are no histogram.
    pub fn names(&self) -> BTreeSet<String> {
        let families = self.families.iter();
        let suffix = |kind: &str| match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let names = families.map(|(name, family)| format!("{name}{}", suffix(&family.kind)));
        names.collect()
    }

    /// The series of a name that are not 0, by their labels.
    pub fn of(&self, name: &str) -> BTreeMap<&str, f64> {
        let series = self.samples.iter().filter(|(_, value)| **value != 0.0);
        let series = series.filter_map(|(series, value)| {
            let labels = series.strip_prefix(name)?.strip_prefix('{')?;
            Some((labels.strip_suffix('}')?, *value))
        });
        series.collect()
    }
}

fn with_labels(name: &str, labels: &str) -> String {
    if labels.is_empty() {
        name.to_owned()
    } else {
        format!("{name}{{{labels}}}")
    }
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits)
}

/// None of ours needs escaping.
#[track_caller]
fn check_labels(labels: &str) {
    for label in labels.split(',').filter(|label| !label.is_empty()) {
        let (name, value) = label.split_once('=').expect("a label's value");
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        let value = value.expect("quotes");
        assert!(is_name(name) && !value.contains(['"', '\\']), "{label}");
    }
}
