//! The tree of stacks that samples make, and its two forms on paper: collapsed
//! stacks (a line for each, `a;b;c 12`) and a flame graph in SVG.

use std::collections::HashMap;
use std::fmt::Write;

/// A function at a line, as it is called from the one that is its parent.
pub struct Node {
    /// In `Tree::names`.
    pub name: u32,
    /// Samples that ended here.
    own: u64,
    children: Vec<u32>,
}

/// See the module.
pub struct Tree {
    nodes: Vec<Node>,
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree {
            nodes: vec![Node { name: 0, own: 0, children: Vec::new() }],
            names: vec!["all".to_string()],
            numbers: HashMap::new(),
        }
    }
}

/// The node from which all stacks begin.
pub const ROOT: u32 = 0;

impl Tree {
    /// The number of a name.
    pub fn name(&mut self, name: String) -> u32 {
        if let Some(&number) = self.numbers.get(&name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }
    /// The child of `parent` with this name.
    pub fn child(&mut self, parent: u32, name: u32) -> u32 {
        let known = self.nodes[parent as usize].children.iter();
        if let Some(&child) = known.rev().find(|&&child| self.nodes[child as usize].name == name) {
            return child;
        }
        let child = self.nodes.len() as u32;
        self.nodes.push(Node { name, own: 0, children: Vec::new() });
        self.nodes[parent as usize].children.push(child);
        child
    }
    /// `weight` samples ended here.
    pub fn count(&mut self, node: u32, weight: u64) {
        self.nodes[node as usize].own += weight;
    }
    fn name_of(&self, node: u32) -> &str {
        &self.names[self.nodes[node as usize].name as usize]
    }
    /// All samples at a node and below: by node. Children come behind their parents.
    fn totals(&self) -> Vec<u64> {
        let mut totals: Vec<u64> = self.nodes.iter().map(|node| node.own).collect();
        for i in (0..self.nodes.len()).rev() {
            totals[i] += self.nodes[i].children.iter().map(|&child| totals[child as usize]).sum::<u64>();
        }
        totals
    }
    /// The children of a node in the order of their names.
    fn ordered(&self, node: u32) -> Vec<u32> {
        let mut children = self.nodes[node as usize].children.clone();
        children.sort_by(|&a, &b| self.name_of(a).cmp(self.name_of(b)));
        children
    }

    /// Collapsed stacks, sorted.
    pub fn collapsed(&self) -> String {
        let mut out = String::new();
        // (node, length of the text of those above)
        let mut path = String::new();
        let mut work: Vec<(u32, usize)> =
            self.ordered(ROOT).into_iter().rev().map(|child| (child, 0)).collect();
        while let Some((node, above)) = work.pop() {
            path.truncate(above);
            if above > 0 {
                path.push(';');
            }
            path.push_str(&self.name_of(node).replace(';', ":").replace('\n', " "));
            let own = self.nodes[node as usize].own;
            if own > 0 {
                let _ = writeln!(out, "{path} {own}");
            }
            let length = path.len();
            work.extend(self.ordered(node).into_iter().rev().map(|child| (child, length)));
        }
        out
    }

    /// A flame graph: what is called stands on what calls it, as wide as its samples are many.
    pub fn svg(&self, rate: u32, lost: u64) -> String {
        const WIDTH: f64 = 1200.0;
        const ROW: usize = 17;
        const CHARACTER: f64 = 6.6;
        let totals = self.totals();
        let all = totals[0].max(1);
        let scale = WIDTH / all as f64;
        // (node, x in samples, depth)
        let mut boxes: Vec<(u32, u64, usize)> = Vec::new();
        let mut work = vec![(ROOT, 0u64, 0usize)];
        while let Some((node, x, depth)) = work.pop() {
            // What is narrower than a fifth of a point cannot be seen.
            if totals[node as usize] as f64 * scale < 0.2 && node != ROOT {
                continue;
            }
            boxes.push((node, x, depth));
            let mut at = x;
            for child in self.ordered(node) {
                work.push((child, at, depth + 1));
                at += totals[child as usize];
            }
        }
        let rows = boxes.iter().map(|b| b.2).max().unwrap_or(0) + 1;
        let height = rows * ROW + 60;
        let mut out = String::new();
        let _ = write!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1200\" height=\"{height}\" \
             viewBox=\"0 0 1200 {height}\" font-family=\"monospace\" font-size=\"11\">\n\
             <style>rect {{ stroke: #fff; stroke-width: 0.5 }} g:hover rect {{ stroke: #000 }} \
             text {{ pointer-events: none }}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#f8f8f8\"/>\n\
             <text x=\"8\" y=\"20\" font-size=\"14\">{all} samples, {rate} a second"
        );
        if lost > 0 {
            let _ = write!(out, ", {lost} lost");
        }
        out.push_str("</text>\n");
        for (node, x, depth) in boxes {
            let total = totals[node as usize];
            let (left, width) = (x as f64 * scale, total as f64 * scale);
            let top = height - 20 - (depth + 1) * ROW;
            let name = self.name_of(node);
            let percent = total as f64 * 100.0 / all as f64;
            let _ = write!(
                out,
                "<g><title>{} ({total} samples, {percent:.2}%)</title>\
                 <rect x=\"{left:.2}\" y=\"{top}\" width=\"{width:.2}\" height=\"{}\" fill=\"{}\"/>",
                escaped(name),
                ROW - 1,
                colour(name)
            );
            let room = ((width - 6.0) / CHARACTER) as usize;
            if room >= 3 {
                let shown: String = if name.chars().count() <= room {
                    name.to_string()
                } else {
                    name.chars().take(room - 2).chain("..".chars()).collect()
                };
                let _ = write!(
                    out,
                    "<text x=\"{:.2}\" y=\"{}\">{}</text>",
                    left + 3.0,
                    top + 12,
                    escaped(&shown)
                );
            }
            out.push_str("</g>\n");
        }
        out.push_str("</svg>\n");
        out
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no place for these.
            c if (c as u32) < 32 => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A warm colour of the name's own; grey for what waits.
fn colour(name: &str) -> String {
    if name == super::WAITING {
        return "#c8c8c8".to_string();
    }
    let hash = name.bytes().fold(2166136261u32, |hash, b| (hash ^ b as u32).wrapping_mul(16777619));
    format!("rgb({},{},{})", 205 + hash % 50, 90 + (hash >> 8) % 130, 40 + (hash >> 16) % 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::default();
        for (stack, weight) in
            [(vec!["main", "f", "g"], 3), (vec!["main", "f"], 2), (vec!["main", "a<b>"], 5)]
        {
            let mut node = ROOT;
            for name in stack {
                let name = tree.name(name.to_string());
                node = tree.child(node, name);
            }
            tree.count(node, weight);
        }
        tree
    }

    #[test]
    fn stacks_are_collapsed() {
        assert_eq!(tree().collapsed(), "main;a<b> 5\nmain;f 2\nmain;f;g 3\n");
    }

    #[test]
    fn a_graph_has_a_box_for_each_node() {
        let svg = tree().svg(100, 0);
        assert_eq!(svg.matches("<title>").count(), 5);
        assert!(svg.contains("a&lt;b&gt; (5 samples, 50.00%)"));
        assert!(svg.contains("f (5 samples, 50.00%)"));
        assert!(svg.contains("10 samples, 100 a second"));
    }
}
