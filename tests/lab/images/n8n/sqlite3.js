// What @n8n/typeorm uses of the package sqlite3, on Node's own SQLite: the lab's image of n8n has no
// binary of that package, which is built with a compiler or fetched from elsewhere.
"use strict";
const { DatabaseSync } = require("node:sqlite");

const plain = (value) => {
  if (value === undefined) return null;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Date ? value.getTime() : value;
};

class Database {
  constructor(path, flags, done) {
    const then = typeof flags === "function" ? flags : done;
    const readOnly = typeof flags === "number" && Boolean(flags & module.exports.OPEN_READONLY);
    setImmediate(() => {
      try {
        this.database = new DatabaseSync(path, { readOnly, enableDoubleQuotedStringLiterals: true });
        this.database.enableDefensive(false); // n8n changes its own schema
        then(null);
      } catch (error) {
        then(error);
      }
    });
  }

  #answer(read, sql, parameters, done) {
    const [given, then] = typeof parameters === "function" ? [[], parameters] : [parameters ?? [], done];
    setImmediate(() => {
      let found;
      try {
        const statement = this.database.prepare(sql);
        found = read(statement, given.map(plain));
      } catch (error) {
        return then.call({}, error);
      }
      then.call(found.self, null, found.rows);
    });
  }

  run(sql, parameters, done) {
    this.#answer((statement, given) => {
      const { lastInsertRowid, changes } = statement.run(...given);
      return { self: { lastID: Number(lastInsertRowid), changes: Number(changes) } };
    }, sql, parameters, done);
  }

  all(sql, parameters, done) {
    const rows = (statement, given) => ({ self: {}, rows: statement.all(...given).map((row) => ({ ...row })) });
    this.#answer(rows, sql, parameters, done);
  }

  close(done) {
    this.database.close();
    setImmediate(() => done(null));
  }
}

module.exports = { Database, OPEN_READONLY: 1, OPEN_READWRITE: 2, OPEN_CREATE: 4, OPEN_URI: 64, verbose: () => module.exports };
