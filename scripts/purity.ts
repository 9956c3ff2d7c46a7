import { Visitor } from "oxc-parser";
import type { Program } from "oxc-parser";
import { impureNames } from "./layerRules.ts";

export type Impurity = { readonly what: string; readonly start: number };

/** What the core must not do: look at a clock, roll dice, wait, or reach for the outside world. */
export function impuritiesOf(program: Program): Impurity[] {
  const found: Impurity[] = [];
  const harmless = new Set<number>();
  const add = (what: string, start: number): void => {
    found.push({ what, start });
  };
  const onFunction = (node: { async: boolean; start: number }): void => {
    if (node.async) add("an async function", node.start);
  };
  // A name after a dot or before a colon is only a label: `task.process` reaches for nothing.
  const label = (key: { readonly start: number }, computed: boolean): void => {
    if (!computed) harmless.add(key.start);
  };
  new Visitor({
    MemberExpression(node) {
      label(node.property, node.computed);
      const { object, property } = node;
      if (object.type !== "Identifier" || property.type !== "Identifier" || node.computed) return;
      if (object.name === "Math" && property.name === "random") add("Math.random", node.start);
    },
    Property(node) {
      if (!node.shorthand) label(node.key, node.computed);
    },
    PropertyDefinition(node) {
      label(node.key, node.computed);
    },
    MethodDefinition(node) {
      label(node.key, node.computed);
    },
    TSPropertySignature(node) {
      label(node.key, node.computed);
    },
    TSMethodSignature(node) {
      label(node.key, node.computed);
    },
    FunctionDeclaration: onFunction,
    FunctionExpression: onFunction,
    ArrowFunctionExpression: onFunction,
    AwaitExpression(node) {
      add("await", node.start);
    },
    ForOfStatement(node) {
      if (node.await) add("for await", node.start);
    },
    Identifier(node) {
      if (impureNames.has(node.name)) add(node.name, node.start);
    },
  }).visit(program);
  return found.filter(({ start }) => !harmless.has(start));
}

/** Where an object literal has a key, or a member is assigned, with this name. */
export function settingsNamed(program: Program, name: string): number[] {
  const starts: number[] = [];
  const isNamed = (key: { type: string; name?: unknown; value?: unknown }): boolean =>
    (key.type === "Identifier" && key.name === name) ||
    (key.type === "Literal" && key.value === name);
  new Visitor({
    Property(node) {
      if (isNamed(node.key)) starts.push(node.start);
    },
    AssignmentExpression(node) {
      if (node.left.type === "MemberExpression" && isNamed(node.left.property))
        starts.push(node.start);
    },
  }).visit(program);
  return starts;
}
