//! The part of the matrix that whoever stands in front of another one passes on.

/// The methods that are not of one type, on what is inside.
macro_rules! forward {
    () => {
        fn settings(&self, value: Settings) -> Settings {
            self.0.settings(value)
        }

        fn wide(
            &self,
            value: Option<(String, u128)>,
            plus: u128,
        ) -> Result<Option<(String, u128)>, String> {
            self.0.wide(value, plus)
        }

        fn text(&self, value: &str) -> String {
            self.0.text(value)
        }

        fn bytes(&self, value: &[u8]) -> Vec<u8> {
            self.0.bytes(value)
        }

        fn maybe(&self, value: Option<&str>) -> Option<String> {
            self.0.maybe(value)
        }

        fn nothing(&self) {
            self.0.nothing();
        }

        fn buffer(&self, value: Buffer) -> Buffer {
            self.0.buffer(value)
        }

        fn words(&self, value: &[u32]) -> u64 {
            self.0.words(value)
        }

        fn doubles(&self, value: &[f64]) -> f64 {
            self.0.doubles(value)
        }

        fn increment(&self, value: &mut [u16]) {
            self.0.increment(value);
        }

        fn os_str(&self, value: &OsStr) -> OsString {
            self.0.os_str(value)
        }

        fn parent(&self, value: &Path) -> PathBuf {
            self.0.parent(value)
        }

        fn borrowed(&self, value: Borrowed<'_>) -> String {
            self.0.borrowed(value)
        }

        fn borrowed_or_not(&self, value: BorrowedOrNot<'_, u8>) -> String {
            self.0.borrowed_or_not(value)
        }

        fn one_lent(&self, value: &Point) -> Point {
            self.0.one_lent(value)
        }

        fn number_lent(&self, value: &u64) -> u64 {
            self.0.number_lent(value)
        }

        fn maybe_lent(&self, value: Option<&Failed>) -> Option<Failed> {
            self.0.maybe_lent(value)
        }

        fn many_lent(&self, value: &[Point]) -> Vec<Point> {
            self.0.many_lent(value)
        }

        fn truths_lent(&self, value: &[bool]) -> Vec<bool> {
            self.0.truths_lent(value)
        }

        fn words_lent(&self, value: &[&str]) -> Vec<String> {
            self.0.words_lent(value)
        }

        fn lists_lent(&self, value: Vec<&[Pair]>, last: &(u8, String)) -> Vec<Vec<Pair>> {
            self.0.lists_lent(value, last)
        }

        fn many(&self, a: u8, b: &str, c: bool, d: String, e: &[u8], f: f32, g: Point) -> String {
            self.0.many(a, b, c, d, e, f, g)
        }

        fn relay(&self, other: Box<dyn Matrix>) -> Box<dyn Matrix> {
            self.0.relay(other)
        }

        fn objects(
            &self,
            one: Option<Box<dyn Matrix>>,
            many: Vec<Arc<dyn Matrix>>,
            maybe: Option<Arc<dyn Matrix>>,
        ) -> (
            Option<Box<dyn Matrix>>,
            Vec<Arc<dyn Matrix>>,
            Result<Arc<dyn Matrix>, String>,
        ) {
            self.0.objects(one, many, maybe)
        }
    };
}

pub(crate) use forward;
