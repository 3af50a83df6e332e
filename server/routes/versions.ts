import type { FastifyRequest } from 'fastify';
import type { Campaign } from '@dialstream/shared/api/campaigns.js';
import { ProblemError } from '../problems.js';

/** The version in `If-Match: "<version>"`; undefined without the header or with `*`. */
export function ifMatch({ headers }: Pick<FastifyRequest, 'headers'>): number | undefined {
  const text = headers['if-match']?.trim();
  if (text === undefined || text === '*') return undefined;
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(text)?.[1];
  if (version === undefined) {
    throw new ProblemError('version_mismatch', 'If-Match is not the version of this campaign.');
  }
  return Number(version);
}

export function checkVersion({ version }: Campaign, wanted: number | undefined): void {
  if (wanted !== undefined && wanted !== version) {
    throw new ProblemError('version_mismatch', `The campaign is at version ${version}, not ${wanted}.`);
  }
}
