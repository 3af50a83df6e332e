import { describe, expect, fast, test, until, untilIdle } from './support/fixtures.js';

describe('a client that is lost', () => {
  test('has its ringing calls cancelled and its answered ones ended', async ({ phone, stage }) => {
    const [ringing, unheard, answered] = [await stage.udp(), await stage.udp(), await stage.udp()];
    const first = phone.place(`sip:x@127.0.0.1:${ringing.port}`);
    const second = phone.place(`sip:x@127.0.0.1:${unheard.port}`);
    const third = phone.place(`sip:x@127.0.0.1:${answered.port}`);
    first.dialog.catch(() => {});
    second.dialog.catch(() => {});
    const invite = await ringing.request('INVITE');
    ringing.reply(invite, 180);
    const quiet = await unheard.request('INVITE');
    answered.answer(await answered.request('INVITE'));
    await third.dialog;
    await answered.request('ACK');

    phone.drop();

    ringing.reply(await ringing.request('CANCEL'), 200);
    ringing.reply(invite, 487);
    await ringing.request('ACK');
    answered.reply(await answered.request('BYE'), 200);
    unheard.reply(quiet, 100);
    unheard.reply(await unheard.request('CANCEL'), 200);
    unheard.reply(quiet, 487);
    await untilIdle(stage.agent);
  });

  test('has a call that is answered after it has gone acknowledged and ended', async ({
    phone,
    far,
    stage,
  }) => {
    const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
    call.dialog.catch(() => {});
    const invite = await far.request('INVITE');
    phone.drop();
    await until(
      () => stage.agent.stats().clients === 0,
      () => 'the client is gone',
    );
    far.answer(invite);
    await far.request('ACK');
    far.reply(await far.request('BYE'), 200);
    await untilIdle(stage.agent);
  });

  test('has the calls that it was to answer refused', async ({ phone, far, stage }) => {
    const rings = new Promise<void>((resolve) => {
      phone.onRequest('invite', (_request, response) => {
        response.send(180);
        resolve();
      });
    });
    far.send(far.out('INVITE'));
    await rings;
    await far.response(180);
    phone.drop();
    await far.response(480);
    await untilIdle(stage.agent);
  });

  test('takes none of the calls of others with it', async ({ phone, far, stage }) => {
    const other = await stage.connect();
    const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
    far.answer(await far.request('INVITE'));
    const dialog = await call.dialog;
    await far.request('ACK');

    other.drop();
    await until(
      () => stage.agent.stats().clients === 1,
      () => 'the other is gone',
    );
    await far.barrier();
    expect(dialog.connected).toBe(true);
    expect(far.seen.filter(({ method }) => method === 'BYE')).toEqual([]);
  });

  test.extend('options', { timers: fast, endCallsOfLostClients: false })(
    'leaves its calls up when that is asked for; any other may end them',
    async ({ phone, far, stage }) => {
      const other = await stage.connect();
      const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
      const invite = await far.request('INVITE');
      far.answer(invite);
      const { id } = await call.dialog;
      await far.request('ACK');
      phone.drop();
      await until(
        () => stage.agent.stats().clients === 1,
        () => 'the client is gone',
      );
      await far.barrier();
      expect(stage.agent.stats().dialogs).toBe(1);

      const bye = other.send('sip:placeholder', { method: 'BYE', stackDialogId: id });
      far.reply(await far.request('BYE'), 200);
      await (
        await bye
      ).answer;
      await untilIdle(stage.agent);
    },
  );
});

describe('an agent that is closed', () => {
  test('cancels what rings and ends what is answered', async ({ phone, stage }) => {
    const [ringing, answered] = [await stage.udp(), await stage.udp()];
    const first = phone.place(`sip:x@127.0.0.1:${ringing.port}`);
    const second = phone.place(`sip:x@127.0.0.1:${answered.port}`);
    first.dialog.catch(() => {});
    const invite = await ringing.request('INVITE');
    ringing.reply(invite, 180);
    await ringing.barrier();
    answered.answer(await answered.request('INVITE'));
    await second.dialog;

    const closed = stage.agent.close();
    ringing.reply(await ringing.request('CANCEL'), 200);
    ringing.reply(invite, 487);
    answered.reply(await answered.request('BYE'), 200);
    await closed;
  });
});
