/** What people do in the chat rooms of the examples. */

import { Client } from './client.ts';

/** Connects, says a name, and is greeted. */
export async function joined(port: number, name: string): Promise<Client> {
  const client = new Client(port);
  await client.gets('Your name? ');
  await client.send(`${name}\n`).until(new RegExp(`^Hello ${name}\\. .*\\n`));
  client.received = '';
  return client;
}

/** Ada says something to Bob and Cyd, in pieces that are no lines, and Cyd is cut off; Ada and Bob have heard of it. */
export async function chatted(port: number): Promise<[ada: Client, bob: Client]> {
  const ada = await joined(port, 'Ada');
  const bob = await joined(port, 'Bob');
  await ada.gets('* Bob has come\n');
  const cyd = await joined(port, 'Cyd');
  await ada.gets('* Cyd has come\n');
  ada.send('héllo\nhow are ');
  await bob.gets('Ada: héllo\n');
  ada.send('you?\r\n');
  await bob.gets('Ada: how are you?\n');
  await cyd.gets('Ada: how are you?\n');
  cyd.reset();
  await bob.gets('* Cyd has left\n');
  await ada.gets('* Cyd has left\n');
  return [ada, bob];
}
