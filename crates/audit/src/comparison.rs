//! Two versions of a library: what of them runs by itself, and what they ask for and offer.

use std::collections::BTreeSet;

use plugwright_inspect::{ElfFacts, ImageSymbols, ReadAt, Scan, SymbolKind, Untrusted, symbols};

use crate::rules::b36::entropy;
use crate::rules::parts::Part;
use crate::subject::read;

/// An older version and the one that is reviewed.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    pub(crate) old: Version<'a>,
    pub(crate) new: Version<'a>,
}

/// What is compared of a version.
#[derive(Debug)]
pub(crate) struct Version<'a> {
    scan: &'a Scan,
    pub(crate) exports: BTreeSet<Untrusted>,
    pub(crate) imports: BTreeSet<Untrusted>,
    pub(crate) needed: BTreeSet<Untrusted>,
    /// Exports whose address code finds out.
    pub(crate) chosen: BTreeSet<Untrusted>,
    /// Relocations that run code.
    pub(crate) indirect: u64,
    /// Bits for each byte in the executable parts, of samples.
    pub(crate) code_entropy: f64,
    /// The share of the file's samples that look compressed or encrypted.
    pub(crate) noise: f64,
    pub(crate) samples: u64,
}

/// Bytes of a sample, and how many are taken of a whole file.
const SAMPLE: usize = 4096;
const SAMPLES: u32 = 256;
/// Bits for each byte from which a sample counts as noise.
const NOISE: f64 = 7.5;

impl<'a> Version<'a> {
    /// Reads the symbols and samples of a file that was scanned.
    pub(crate) fn read(file: &impl ReadAt, scan: &'a Scan, code: &[Part]) -> Self {
        let all = symbols(file, None);
        let names = |of: fn(&ImageSymbols) -> &[plugwright_inspect::Symbol]| {
            let symbols = all.images.iter().flat_map(of);
            symbols.map(|symbol| symbol.name.clone()).collect()
        };
        let chosen = all.images.iter().flat_map(|image| &image.exports);
        let chosen = chosen.filter(|symbol| symbol.kind == SymbolKind::IndirectFunction);
        let relocations = all
            .images
            .iter()
            .filter_map(|image| image.relocations.as_ref());
        let headers = all.images.iter().map(|image| &image.headers);
        let mut version = Self {
            scan,
            exports: names(|image| &image.exports),
            imports: names(|image| &image.imports),
            needed: headers.flat_map(|image| image.needed.clone()).collect(),
            chosen: chosen.map(|symbol| symbol.name.clone()).collect(),
            indirect: relocations.fold(0, |sum, counted| sum.saturating_add(counted.indirect)),
            code_entropy: 0.0,
            noise: 0.0,
            samples: 0,
        };
        version.sample(file, code);
        version
    }

    fn sample(&mut self, file: &impl ReadAt, code: &[Part]) {
        let (mut sum, mut count) = (0.0, 0.0);
        for part in code {
            for bits in samples(file, part.offset, part.size, 16) {
                sum += bits;
                count += 1.0;
            }
        }
        if count > 0.0 {
            self.code_entropy = sum / count;
        }
        let (mut noisy, mut all) = (0.0, 0.0);
        for bits in samples(file, 0, file.size(), SAMPLES) {
            noisy += f64::from(u8::from(bits > NOISE));
            all += 1.0;
            self.samples = self.samples.saturating_add(1);
        }
        if all > 0.0 {
            self.noise = noisy / all;
        }
    }

    pub(crate) fn elf(&self) -> Option<&'a ElfFacts> {
        self.scan.images.first()?.headers.elf()
    }

    /// How much code runs when it is loaded.
    pub(crate) fn constructors(&self) -> u64 {
        let images = self.scan.images.iter().map(|image| &image.headers);
        images.fold(0, |sum, image| {
            let elf = image.elf().map(|elf| elf.constructors);
            let macho = image.macho().map(|macho| macho.constructors);
            let pe = image.pe().map(|pe| u64::from(pe.thread_callbacks));
            let own = elf.or(macho).or(pe).unwrap_or_default();
            sum.saturating_add(own)
        })
    }
}

/// The entropy of at most `most` samples, spread over a part of a file.
fn samples(file: &impl ReadAt, offset: u64, size: u64, most: u32) -> Vec<f64> {
    let whole = u64::try_from(SAMPLE).unwrap_or(u64::MAX);
    let step = size.checked_div(most.into()).unwrap_or_default().max(whole);
    let mut all = Vec::new();
    let mut at = 0_u64;
    while at < size {
        let rest = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX);
        let sample = read(file, offset.saturating_add(at), rest.min(SAMPLE));
        // Fewer bytes have few different values, whatever they are.
        if sample.len() >= 1024 {
            all.push(entropy(&sample));
        }
        at = at.saturating_add(step);
    }
    all
}
