import { _, Ajv2020, type KeywordCxt, type Options } from "ajv/dist/2020.js";

/**
 * The keywords that Pinion's own schemas add to JSON Schema 2020-12: `expects` says in words what is expected, where the
 * schema alone would not be understood; `notSupportedYet` marks a field (`true`) or some of its values (a list) whose
 * enforcement does not exist yet; `refused` says why a field that people may try is never accepted.
 */
export function documentAjv(options: Options): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    useDefaults: true,
    strictTypes: false,
    strictRequired: false,
    validateSchema: false,
    meta: false,
    logger: false,
    ...options,
  });
  ajv.addKeyword("expects");
  ajv.addKeyword({ keyword: "refused", schemaType: "string", code: (cxt: KeywordCxt) => cxt.fail(_`true`) });
  ajv.addKeyword({
    keyword: "notSupportedYet",
    schemaType: ["boolean", "array"],
    code(cxt: KeywordCxt) {
      cxt.fail(Array.isArray(cxt.schema) ? _`${cxt.schemaValue}.includes(${cxt.data})` : _`${cxt.schemaValue}`);
    },
  });
  return ajv;
}
