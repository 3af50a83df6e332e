import type { JsonObject } from './schemas.js';

/** OpenAPI 3.1, of which this is what ours uses. */
export interface OpenApiDocument extends JsonObject {
  openapi: string;
  info: { title: string; version: string; description: string; license: JsonObject };
  /** By path and method. */
  paths: Record<string, Record<string, HttpOperation>>;
  components: {
    schemas: Record<string, JsonObject>;
    responses: Record<string, HttpAnswer>;
    parameters: Record<string, Parameter>;
    securitySchemes: Record<string, JsonObject>;
  };
}

export interface HttpOperation extends JsonObject {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  parameters: (Parameter | Reference)[];
  /** By status. */
  responses: Record<string, HttpAnswer | Reference>;
}

export interface Parameter extends JsonObject {
  name: string;
  in: string;
  required: boolean;
  schema: JsonObject;
}

export interface HttpAnswer extends JsonObject {
  description: string;
  /** By content type. */
  content: Content;
}

export type Content = Record<string, { schema: JsonObject }>;

export type Reference = { $ref: string };
