import { parseSync, Visitor } from "oxc-parser";
import type { Expression, Program } from "oxc-parser";

export type Imported = {
  /** `null`: computed, so nobody can tell before it runs. */
  readonly specifier: string | null;
  readonly kind: "static" | "dynamic" | "type";
  /** Character offset in the source. */
  readonly start: number;
};

export type Parsed = { readonly program: Program; readonly imports: readonly Imported[] };

/**
 * Everything a module draws in: `import`, `export … from`, `import()`, `require()` (also one made by
 * `createRequire`), `import type`, and `import("…")` or `typeof import("…")` inside a type.
 * Throws if the source does not parse.
 */
export function parseModule(file: string, source: string): Parsed {
  const { program, errors } = parseSync(file, source);
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`);
  const imports: Imported[] = [];
  const add = (kind: Imported["kind"], start: number, specifier: string | null): void => {
    imports.push({ kind, start, specifier });
  };
  new Visitor({
    ImportDeclaration(node) {
      const named = node.specifiers.length > 0;
      const types =
        node.importKind === "type" ||
        (named &&
          node.specifiers.every(
            (one) => one.type === "ImportSpecifier" && one.importKind === "type",
          ));
      add(types ? "type" : "static", node.start, node.source.value);
    },
    ExportAllDeclaration(node) {
      add(node.exportKind === "type" ? "type" : "static", node.start, node.source.value);
    },
    ExportNamedDeclaration(node) {
      if (node.source === null) return;
      add(node.exportKind === "type" ? "type" : "static", node.start, node.source.value);
    },
    ImportExpression(node) {
      add("dynamic", node.start, textOf(node.source));
    },
    TSImportType(node) {
      add("type", node.start, node.source.value);
    },
    CallExpression(node) {
      if (isRequire(node.callee))
        add(
          "dynamic",
          node.start,
          node.arguments[0] === undefined ? null : textOf(node.arguments[0]),
        );
    },
  }).visit(program);
  return { program, imports };
}

export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}

function textOf(node: { readonly type: string; readonly value?: unknown }): string | null {
  return node.type === "Literal" && typeof node.value === "string" ? node.value : null;
}

function isRequire(callee: Expression): boolean {
  if (callee.type === "Identifier") return callee.name === "require";
  return (
    callee.type === "CallExpression" &&
    callee.callee.type === "Identifier" &&
    callee.callee.name === "createRequire"
  );
}
