import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A connection to the database that can be cut. */
export interface Wire {
  /** The same URL, through the wire. */
  readonly url: string;
  /** Drops every connection and refuses new ones. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/**
 * Puts a wire in front of the database of `url`, on a free loopback port. With `drops`, start-up packets lose
 * that parameter, as behind PgBouncer with `ignore_startup_parameters`.
 */
export async function layWire(url: string, { drops }: { drops?: string } = {}): Promise<Wire> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((near) => {
    if (!open) {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    far.pipe(near);
    if (drops === undefined) near.pipe(far);
    else
      near.once('data', (startUp: Buffer) => {
        far.write(withoutParameter(startUp, drops));
        near.pipe(far);
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: through.href,
    cut,
    mend: () => {
      open = true;
    },
    close: async () => {
      cut();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/**
 * A start-up packet without one parameter (PostgreSQL manual, section 54.7, StartupMessage): length, version,
 * then names and values, each ended by NUL.
 */
function withoutParameter(packet: Buffer, name: string): Buffer {
  const words = packet.subarray(8, packet.readInt32BE(0)).toString('latin1').split('\0');
  const kept: string[] = [];
  for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2)
    if (words[at] !== name) kept.push(words[at]!, words[at + 1]!);
  const body = Buffer.from(`${kept.join('\0')}\0\0`, 'latin1');
  const head = Buffer.from(packet.subarray(0, 8));
  head.writeInt32BE(8 + body.length, 0);
  return Buffer.concat([head, body]);
}
