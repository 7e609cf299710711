/** Calls of the composition API, typed by its OpenAPI document. */

import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Piece = Schemas["CompositionView"];
export type PieceSummary = Schemas["CompositionSummary"];
export type Take = Schemas["TakeView"];
export type Lane = Schemas["Lane"];
export type Model = Schemas["ModelFacts"];
export type Generation = Awaited<ReturnType<typeof api.generation>>;
export type NewGeneration = Schemas["NewGeneration"];
export type NewPiece = Schemas["NewComposition"];
export type PieceChange = Schemas["CompositionChange"];
export type Alignment = Schemas["Alignment"];
type Failure = Schemas["Failure"];

/** The server understood and said no: what is wrong, and what to do about it. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** The server did not answer, or something between here and there did. */
export class Unreachable extends Error {}

const client = createClient<paths>({ baseUrl: "" });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

function isFailure(error: unknown): error is Failure {
  return typeof error === "object" && error !== null && "code" in error && "remedy" in error;
}

async function answered<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch {
    throw new Unreachable("the server does not answer");
  }
  const { data, error, response } = answer;
  if (response.ok) return data as T;
  if (isFailure(error) && response.status !== 503) {
    throw new Refused(response.status, error.code, error.message, error.remedy);
  }
  throw new Unreachable(`the server answered ${response.status}`);
}

const of = (composition_id: string) => ({ params: { path: { composition_id } } });
const ofGeneration = (generation_id: string) => ({ params: { path: { generation_id } } });
/** A file as the body, as it is. */
const file = (body: Blob) => ({ body: body as unknown as string, bodySerializer: (sent: unknown) => sent as Blob });
const OCTETS = { headers: { "content-type": "application/octet-stream" } };

export const api = {
  models: () => answered<Model[]>(client.GET("/v1/models")),
  signIn: (key: string) => answered<undefined>(client.POST("/v1/session", { body: { key } }) as never),
  pieces: (after?: string) => answered<PieceSummary[]>(client.GET("/v1/compositions", { params: { query: { limit: 50, after } } })),
  create: (body: NewPiece) => answered<Piece>(client.POST("/v1/compositions", { body })),
  piece: (id: string) => answered<Piece>(client.GET("/v1/compositions/{composition_id}", of(id))),
  change: (id: string, body: PieceChange) =>
    answered<Piece>(client.PATCH("/v1/compositions/{composition_id}", { ...of(id), body })),
  duplicate: (id: string, body: Schemas["NewCopy"] = {}) =>
    answered<Piece>(client.POST("/v1/compositions/{composition_id}/duplicate", { ...of(id), body })),
  remove: (id: string) => answered<undefined>(client.DELETE("/v1/compositions/{composition_id}", of(id)) as never),
  choose: (id: string, body: Record<string, string | null>) =>
    answered<Piece>(client.PUT("/v1/compositions/{composition_id}/selection", { ...of(id), body })),
  generate: (id: string, body: NewGeneration, key: string) =>
    answered(
      client.POST("/v1/compositions/{composition_id}/generations", {
        params: { path: { composition_id: id }, header: { "idempotency-key": key } },
        body,
      }),
    ),
  generation: (id: string) => answered(client.GET("/v1/generations/{generation_id}", ofGeneration(id))),
  cancel: (id: string) => answered(client.DELETE("/v1/generations/{generation_id}", ofGeneration(id))),
  peaks: (take_id: string, bins: number) =>
    answered<number[][]>(client.GET("/v1/takes/{take_id}/peaks", { params: { path: { take_id }, query: { bins } } })),
  alignment: (composition_id: string, track: string, body: Blob) =>
    answered<Alignment>(
      client.POST("/v1/compositions/{composition_id}/tracks/{track}/alignment", {
        params: { path: { composition_id, track } },
        ...OCTETS,
        ...file(body),
      }),
    ),
  upload: (composition_id: string, track: string, body: Blob, stretch = 1, offset_s = 0) =>
    answered<Take>(
      client.PUT("/v1/compositions/{composition_id}/tracks/{track}", {
        params: { path: { composition_id, track }, query: { stretch, offset_s } },
        ...OCTETS,
        ...file(body),
      }),
    ),
  audio: async (takeId: string): Promise<ArrayBuffer> => {
    const answer = client.GET("/v1/takes/{take_id}/audio", {
      params: { path: { take_id: takeId } },
      parseAs: "arrayBuffer",
    });
    return answered<ArrayBuffer>(answer as never);
  },
};

export const eventsOf = (id: string) => `/v1/compositions/${id}/events`;
export const mixOf = (id: string, format: string) => `/v1/compositions/${id}/mix?format=${format}`;
export const exportOf = (id: string, kind: "zip" | "dawproject") => `/v1/compositions/${id}/export?as=${kind}`;
