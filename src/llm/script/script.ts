import type { Json, JsonObject } from "../../model/json.ts";

/** A document that fits `schemas/script.v1.json`, where each field is described. */
export interface ModelScript {
  readonly apiVersion: "pinion.dev/v1";
  readonly kind: "ModelScript";
  readonly metadata: { readonly name: string; readonly version: string; readonly description?: string };
  readonly spec: { readonly turns: readonly ScriptTurn[] };
}

export interface ScriptTurn extends ScriptAct {
  readonly repeat?: number;
  readonly cases?: readonly ScriptCase[];
}

export interface ScriptCase extends ScriptAct {
  readonly when?: ScriptCondition;
}

export interface ScriptAct {
  readonly text?: string;
  readonly calls?: readonly ScriptCall[];
}

export interface ScriptCall {
  readonly id?: string;
  readonly tool: string;
  readonly arguments?: JsonObject;
  readonly raw?: string;
}

export interface ScriptCondition {
  readonly result: string;
  readonly at?: string;
  readonly ok?: boolean;
  readonly contains?: string;
  readonly equals?: Json;
}
