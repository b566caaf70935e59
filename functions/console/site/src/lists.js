// Pages of the API's lists, as useList takes them.

/** Of a list with cursors, whose rows are in this field. */
export const pageOf = (field) => (page) => ({ rows: page[field], next: page.next_cursor, total: page.total });

/** Of a partner's list, whose pages have numbers. */
export function numberedPageOf(field) {
  return ({ page, pageSize, total, [field]: rows }) => ({
    rows,
    next: page * pageSize < total ? page + 1 : null,
    total,
  });
}
