// Runs the audits against the URL given; prints those that are not ok, then the counts.

import { auditServer } from 'graphql-http';

const results = await auditServer({ url: process.argv[2] });
const failed = results.filter(({ status }) => status !== 'ok');

for (const { id, name, status, reason } of failed) {
  console.log(`${id}  ${status.padEnd(6)}  ${name}\n              ${reason}`);
}
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 && results.length > 0 ? 0 : 1;
