//! The values of one column in one slice.

use crate::rows::NO_NUMBER;
use polars_arrow::array::{Array, BooleanArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::types::NativeType;
use std::fmt::Display;

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<T> {
    Null,
    /// There is one, but it means nothing.
    Unknown,
    Of(T),
}

impl<T> Cell<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Of)
    }
}

/// The values of one column; no values at all where the file has no such column.
#[derive(Debug)]
pub(super) struct Cells<T> {
    pub(super) name: &'static str,
    values: Option<Vec<Cell<T>>>,
    /// Why the first unknown value means nothing.
    pub(super) first_unknown: Option<String>,
}

/// Slots of the memory for texts that were met already.
const MET_SLOTS: usize = 512;

impl<T: Copy> Cells<T> {
    /// The value of a row.
    #[inline]
    pub(super) fn at(&self, row: usize) -> Cell<T> {
        self.values.as_ref().and_then(|values| values.get(row)).copied().unwrap_or(Cell::Null)
    }

    const fn absent(name: &'static str) -> Self {
        Self { name, values: None, first_unknown: None }
    }

    /// Values of a text column that are mostly different.
    pub(super) fn of_texts(
        name: &'static str,
        arrays: Option<Vec<Box<dyn Array>>>,
        mut of: impl FnMut(&str) -> T,
    ) -> Self {
        let Some(arrays) = arrays else { return Self::absent(name) };
        let mut values = Vec::with_capacity(length(&arrays));
        for array in texts(&arrays) {
            match array.validity().filter(|_| array.null_count() > 0) {
                None => values.extend(array.values_iter().map(|text| Cell::Of(of(text)))),
                Some(_) => values.extend(array.iter().map(|text| Cell::from(text.map(&mut of)))),
            }
        }
        Self { name, values: Some(values), first_unknown: None }
    }

    /// Values of a text column of few different texts: each is looked at once, as long as it stays in the memory. A short
    /// text is recognised by itself, a long one by its place in the dictionary.
    pub(super) fn of_few<E: Display>(
        name: &'static str,
        arrays: Option<Vec<Box<dyn Array>>>,
        mut of: impl FnMut(&str) -> Result<T, E>,
    ) -> Self {
        let Some(arrays) = arrays else { return Self::absent(name) };
        let mut values = Vec::with_capacity(length(&arrays));
        let mut first_unknown = None;
        for array in texts(&arrays) {
            let mut met: Vec<Option<(u128, Cell<T>)>> = vec![None; MET_SLOTS];
            let validity = array.validity().filter(|_| array.null_count() > 0);
            for (row, view) in array.views().iter().enumerate() {
                if validity.is_some_and(|validity| !validity.get_bit(row)) {
                    values.push(Cell::Null);
                    continue;
                }
                let bits = view.as_u128();
                let slot = (bits ^ bits >> 64).wrapping_mul(0x9E37_79B9_7F4A_7C15) as usize >> 32 & (MET_SLOTS - 1);
                if let Some((known, cell)) = met[slot]
                    && known == bits
                {
                    values.push(cell);
                    continue;
                }
                let cell = match of(array.value(row)) {
                    Ok(value) => Cell::Of(value),
                    Err(error) => {
                        first_unknown.get_or_insert_with(|| error.to_string());
                        Cell::Unknown
                    }
                };
                met[slot] = Some((bits, cell));
                values.push(cell);
            }
        }
        Self { name, values: Some(values), first_unknown }
    }
}

impl Cells<i64> {
    /// Whole numbers. Those beyond 63 bits become the largest one; a float becomes its whole part, and one that is no
    /// number [`NO_NUMBER`].
    pub(super) fn of_whole(name: &'static str, arrays: Option<Vec<Box<dyn Array>>>) -> Self {
        let Some(arrays) = arrays else { return Self::absent(name) };
        let mut values = Vec::with_capacity(length(&arrays));
        for array in &arrays {
            let array = array.as_ref();
            let _taken = numbers::<i8, _>(array, &mut values, i64::from)
                || numbers::<i16, _>(array, &mut values, i64::from)
                || numbers::<i32, _>(array, &mut values, i64::from)
                || numbers::<i64, _>(array, &mut values, |value| value)
                || numbers::<u8, _>(array, &mut values, i64::from)
                || numbers::<u16, _>(array, &mut values, i64::from)
                || numbers::<u32, _>(array, &mut values, i64::from)
                || numbers::<u64, _>(array, &mut values, |value| i64::try_from(value).unwrap_or(i64::MAX))
                || numbers::<f32, _>(array, &mut values, |value| whole(f64::from(value)))
                || numbers::<f64, _>(array, &mut values, whole);
        }
        Self { name, values: Some(values), first_unknown: None }
    }
}

fn whole(value: f64) -> i64 {
    // Saturates at both ends.
    if value.is_nan() { NO_NUMBER } else { (value as i64).max(NO_NUMBER + 1) }
}

impl Cells<f64> {
    /// Floats.
    pub(super) fn of_real(name: &'static str, arrays: Option<Vec<Box<dyn Array>>>) -> Self {
        let Some(arrays) = arrays else { return Self::absent(name) };
        let floats = arrays
            .iter()
            .all(|array| array.as_any().is::<PrimitiveArray<f64>>() || array.as_any().is::<PrimitiveArray<f32>>());
        if !floats {
            let whole = Cells::<i64>::of_whole(name, Some(arrays));
            let float = |cell: &Cell<i64>| match cell {
                Cell::Of(value) => Cell::Of(*value as f64),
                Cell::Null | Cell::Unknown => Cell::Null,
            };
            return Self {
                name,
                values: whole.values.map(|values| values.iter().map(float).collect()),
                first_unknown: None,
            };
        }
        let mut values = Vec::with_capacity(length(&arrays));
        for array in &arrays {
            let _taken = numbers::<f64, _>(array.as_ref(), &mut values, |value| value)
                || numbers::<f32, _>(array.as_ref(), &mut values, f64::from);
        }
        Self { name, values: Some(values), first_unknown: None }
    }
}

impl Cells<bool> {
    /// True or false.
    pub(super) fn of_flags(name: &'static str, arrays: Option<Vec<Box<dyn Array>>>) -> Self {
        let Some(arrays) = arrays else { return Self::absent(name) };
        let flags = arrays.iter().filter_map(|array| array.as_any().downcast_ref::<BooleanArray>());
        let values = flags.flat_map(|array| array.iter().map(Cell::from)).collect();
        Self { name, values: Some(values), first_unknown: None }
    }
}

fn length(arrays: &[Box<dyn Array>]) -> usize {
    arrays.iter().map(|array| array.len()).sum()
}

fn texts(arrays: &[Box<dyn Array>]) -> impl Iterator<Item = &Utf8ViewArray> {
    arrays.iter().filter_map(|array| array.as_any().downcast_ref())
}

/// Takes the numbers of an array, if they are of this type; whether they are.
fn numbers<N: NativeType, T>(array: &dyn Array, values: &mut Vec<Cell<T>>, of: impl Fn(N) -> T) -> bool {
    let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<N>>() else { return false };
    if array.null_count() == 0 {
        values.extend(array.values().iter().map(|value| Cell::Of(of(*value))));
    } else {
        values.extend(array.iter().map(|value| Cell::from(value.map(|value| of(*value)))));
    }
    true
}
