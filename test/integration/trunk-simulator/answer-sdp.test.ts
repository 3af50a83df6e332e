import { answerSdp as answerOffer } from '@dialstream/dialer/trunk-simulator/answer-sdp.js';
import { describe, expect, test } from 'vitest';

function answerSdp(offer: string): string | null {
  return answerOffer(offer, 1, { host: '127.0.0.1', port: 30_000 });
}

function offerOf(...media: string[]): string {
  return ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', ...media, ''].join('\r\n');
}

function mediaOf(answer: string | null): string[] {
  const lines = answer?.split('\r\n') ?? [];
  return lines.filter((line) => line.startsWith('m=') || line.startsWith('a='));
}

describe('an answer', () => {
  test.each([
    ['m=audio 20000 RTP/AVP 8 0', '8'],
    ['m=audio 20000 RTP/AVP 0 8', '0'],
    ['m=audio 20000 RTP/AVP 18 8', '8'],
  ])('to %s takes the first G.711 codec of the caller', (line, payloadType) => {
    expect(mediaOf(answerSdp(offerOf(line)))[0]).toBe(`m=audio 30000 RTP/AVP ${payloadType}`);
  });

  test('keeps the payload types of the offer, telephone-events too', () => {
    const offer = offerOf(
      'm=audio 20000 RTP/AVP 97 96 98',
      'a=rtpmap:97 opus/48000/2',
      'a=rtpmap:96 pcma/8000',
      'a=rtpmap:98 telephone-event/8000',
    );
    expect(mediaOf(answerSdp(offer))).toEqual([
      'm=audio 30000 RTP/AVP 96 98',
      'a=rtpmap:96 PCMA/8000',
      'a=rtpmap:98 telephone-event/8000',
      'a=fmtp:98 0-16',
      'a=ptime:20',
      'a=sendrecv',
    ]);
  });

  test('refuses the other media and keeps their places', () => {
    const offer = offerOf('m=video 20002 RTP/AVP 31', 'm=audio 20000 RTP/AVP 0', 'm=audio 20004 RTP/AVP 0');
    expect(mediaOf(answerSdp(offer)).filter((line) => line.startsWith('m='))).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 30000 RTP/AVP 0',
      'm=audio 0 RTP/AVP 0',
    ]);
  });

  test.each([
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
  ])('meets %s with %s', (offered, answered) => {
    const offer = offerOf('m=audio 20000 RTP/AVP 0', `a=${offered}`);
    expect(mediaOf(answerSdp(offer)).at(-1)).toBe(`a=${answered}`);
  });

  test('to a direction for the whole session holds for its audio', () => {
    const offer = offerOf('a=sendonly', 'm=audio 20000 RTP/AVP 0');
    expect(mediaOf(answerSdp(offer)).at(-1)).toBe('a=recvonly');
  });

  test.each([
    ['another codec only', offerOf('m=audio 20000 RTP/AVP 18')],
    ['encrypted audio', offerOf('m=audio 20000 RTP/SAVP 0')],
    ['audio that is switched off', offerOf('m=audio 0 RTP/AVP 0')],
    [
      'a payload type that is mapped to something else',
      offerOf('m=audio 1 RTP/AVP 0', 'a=rtpmap:0 G722/8000'),
    ],
    ['no media', offerOf()],
    ['no session description at all', 'hello'],
  ])('cannot be made to %s', (_, offer) => {
    expect(answerSdp(offer)).toBeNull();
  });

  test('to an INVITE without an offer is an offer of both codecs', () => {
    expect(mediaOf(answerSdp(''))).toContain('m=audio 30000 RTP/AVP 0 8');
  });
});
