//! The targets on the corpus, and on inputs made from a seed: the same in every run.

use std::path::Path;

/// A generator of numbers that is good enough to spread choices (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n.max(1)
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

/// Some bytes of an input become others, go, or come again.
fn mutate(input: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = input.to_vec();
    for _ in 0..1 + numbers.below(4) {
        let at = numbers.below(out.len());
        match numbers.below(4) {
            0 if !out.is_empty() => out[at] = numbers.next() as u8,
            1 if !out.is_empty() => _ = out.remove(at),
            2 => out.insert(at, numbers.next() as u8),
            _ => {
                let end = (at + numbers.below(20)).min(out.len());
                let again = out[at.min(end)..end].to_vec();
                let to = numbers.below(out.len() + 1);
                out.splice(to..to, again);
            }
        }
    }
    out
}

fn bounded(name: &str, target: fn(&[u8]), mutations: usize) {
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "no corpus for {name}");
    let mut numbers = Numbers(0x7a69_7061_6e00_0001);
    for input in &corpus {
        target(input);
    }
    for _ in 0..mutations {
        let input = mutate(&corpus[numbers.below(corpus.len())], &mut numbers);
        target(&input);
    }
}

#[test]
fn compile() {
    bounded("compile", taipan_fuzz::compile, 3000);
}

#[test]
fn unmarshal() {
    bounded("unmarshal", taipan_fuzz::unmarshal, 3000);
}

#[test]
fn xml() {
    bounded("xml", taipan_fuzz::xml, 2000);
}

#[test]
fn archive() {
    bounded("archive", taipan_fuzz::archive, 1000);
}

#[test]
fn json() {
    bounded("json", taipan_fuzz::json, 1000);
}

#[test]
fn pickle() {
    bounded("pickle", taipan_fuzz::pickle, 2000);
}

#[test]
fn run() {
    bounded("run", taipan_fuzz::run, 600);
    let mut numbers = Numbers(0x7a69_7061_6e00_0002);
    for _ in 0..600 {
        let bytes: Vec<u8> = (0..50 + numbers.below(400)).map(|_| numbers.next() as u8).collect();
        taipan_fuzz::run(&bytes);
    }
}
