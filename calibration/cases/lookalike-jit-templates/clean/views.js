'use strict';
const compiled = new Map();

function compile(name, columns) {
  const body = columns.map((c) => `out += '<td>' + row[${JSON.stringify(c)}] + '</td>';`).join('\n');
  return new Function('row', `let out = '<tr class="${name}">';\n${body}\nreturn out + '</tr>';`);
}

// 240 tables with columns of their own.
const columnsOf = (table) => Array.from({ length: 4 + (table % 9) }, (_, i) => `c${table}_${i}`);

exports.row = (table, values) => {
  let view = compiled.get(table);
  if (!view) compiled.set(table, (view = compile('t' + table, columnsOf(table))));
  return view(values);
};
exports.compiled = () => compiled.size;
