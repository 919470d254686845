/**
 * An SMTP server that delivers to nowhere, and says so.
 *
 *   node --import tsx examples/mail-sink.ts --port 2525
 *   python3 -c "import smtplib; smtplib.SMTP('127.0.0.1', 2525).sendmail('a@x.invalid', 'b@x.invalid', 'hello')"
 */

import { type Delivered, mailSink } from './mail/sink.ts';
import { openSocket } from './servers/open.ts';
import { say, schedulerFor, serve, settings } from './servers/program.ts';

const { host, ports, backend, sync, quiet } = settings('mail-sink', { port: [2525] });
const scheduler = schedulerFor(backend);

const listeners = ports.port.map((port) => openSocket('TCP', port, host));
for (const listener of listeners) {
  const deliver = ({ from, to, data }: Delivered): void => {
    if (!quiet) say(`from ${from} to ${to.join(', ')}: ${data.length} bytes`);
  };
  scheduler.spawn(mailSink(listener, { deliver }), { name: 'mail sink' });
}
await serve(scheduler, sync, ...listeners.map((listener) => `mail: taking it in on ${listener.localAddress}`));
