//! A table's rows, for a file.

use crate::domain::access::Right;
use crate::domain::name::TableAddress;
use crate::domain::table::Table;
use crate::store::entries::{self, PageRow};

use super::{Request, ServiceError, Services, tables};

impl Services {
    /// All rows of a table, in the order of their names.
    ///
    /// # Errors
    /// No such table, or no right.
    pub async fn export_table(
        &self,
        request: &Request,
        address: &TableAddress,
    ) -> Result<(Table, Vec<PageRow>), ServiceError> {
        let mut conn = self.connection().await?;
        let table = tables::find(&mut conn, request, address, Right::DataExport).await?;
        let rows = entries::all(&mut conn, table.id).await?;
        Ok((table, rows))
    }
}
