//! The extra fields of a table.

use crate::domain::access::Right;
use crate::domain::event::Action;
use crate::domain::field::{ExtraField, FieldKind, MAX_FIELDS};
use crate::domain::name::{Name, TableAddress};
use crate::domain::table::Table;

use super::entries::unknown_field;
use super::operation::{Begun, Receipt};
use super::tables::of_table;
use super::{Request, ServiceError, Services};

/// An extra field to add.
#[derive(Debug, Clone)]
pub struct NewField {
    /// In which table.
    pub table: TableAddress,
    /// What it is to be called.
    pub name: Name,
    /// What it is to hold.
    pub kind: FieldKind,
    /// A regular expression that values must fit.
    pub pattern: Option<String>,
}

/// What is to be another than it is.
#[derive(Debug, Clone)]
pub struct FieldEdit {
    /// In which table.
    pub table: TableAddress,
    /// Which field, by its name.
    pub field: String,
    /// Its new name.
    pub name: Option<Name>,
    /// Its new pattern; none lets any value fit. Values that are there already stay.
    pub pattern: Option<Option<String>>,
}

impl Services {
    /// Adds an extra field.
    ///
    /// # Errors
    /// No such table, the name is taken, there are too many, or no right; nothing is changed then.
    pub async fn add_field(
        &self,
        request: &Request,
        order: NewField,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(&order.table)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        require_free(&table, &order.name, None)?;
        if table.live_fields().count() >= MAX_FIELDS {
            return Err(ServiceError::TooManyFields);
        }
        let number = table.fields.keys().max().map_or(1, |last| last + 1);
        let field = ExtraField {
            number,
            name: order.name.to_string(),
            kind: order.kind,
            pattern: order.pattern,
            removed: false,
        };
        table.fields.insert(number, field);
        op.put_table(table);
        op.finish(Action::FieldAdd, None, None).await
    }

    /// Changes an extra field's name or pattern.
    ///
    /// # Errors
    /// No such table or field, the name is taken, or no right; nothing is changed then.
    pub async fn edit_field(
        &self,
        request: &Request,
        edit: FieldEdit,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(&edit.table)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        let mut field = named(&table, &edit.field)?;
        if let Some(name) = edit.name {
            require_free(&table, &name, Some(field.number))?;
            field.name = name.to_string();
        }
        if let Some(pattern) = edit.pattern {
            field.pattern = pattern;
        }
        table.fields.insert(field.number, field);
        op.put_table(table);
        op.finish(Action::FieldEdit, None, None).await
    }

    /// Takes an extra field away. Undo brings it back with the values that entries hold.
    ///
    /// # Errors
    /// No such table or field, or no right; nothing is changed then.
    pub async fn remove_field(
        &self,
        request: &Request,
        address: &TableAddress,
        field: &str,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(address)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        let mut field = named(&table, field)?;
        field.removed = true;
        table.fields.insert(field.number, field);
        op.put_table(table);
        op.finish(Action::FieldRemove, None, None).await
    }
}

fn named(table: &Table, name: &str) -> Result<ExtraField, ServiceError> {
    table
        .field_named(name)
        .cloned()
        .ok_or_else(|| unknown_field(table, name))
}

fn require_free(table: &Table, name: &Name, but: Option<i32>) -> Result<(), ServiceError> {
    match table.field_named(name.as_str()) {
        Some(other) if Some(other.number) != but => Err(ServiceError::FieldExists {
            field: other.name.clone(),
        }),
        _ => Ok(()),
    }
}
