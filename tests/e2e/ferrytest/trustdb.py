"""Writes into the databases as somebody could who runs as ferryd's user: by
SQLite, and with the sums of the pages made right again."""

import sqlite3

PAGE, KEPT = 4096, 8
MASK = (1 << 64) - 1


def page_sum(page, number):
    value = 0xcbf29ce484222325
    for byte in page[:PAGE - KEPT]:
        value = ((value ^ byte) * 0x100000001b3) & MASK
    return ((value ^ number) * 0x100000001b3) & MASK


def _summed(data):
    for at in range(0, len(data), PAGE):
        page = data[at:at + PAGE]
        if any(page):
            data[at + PAGE - KEPT:at + PAGE] = page_sum(
                page, at // PAGE).to_bytes(KEPT, "big")
    return data


def ask(path, sql, *args):
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        return db.execute(sql, args).fetchall()
    finally:
        db.close()


def change(path, *statements):
    """Each statement is sql, or (sql, parameters)."""
    db = sqlite3.connect(path)
    for statement in statements:
        sql, args = statement if isinstance(statement, tuple) else \
            (statement, ())
        db.execute(sql, args)
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    path.write_bytes(_summed(bytearray(path.read_bytes())))

