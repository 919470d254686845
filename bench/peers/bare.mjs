// The start of Node itself, and a line: what every program of it has to pay first.
import { writeSync } from 'node:fs';

writeSync(1, 'listening 127.0.0.1:0\n');
