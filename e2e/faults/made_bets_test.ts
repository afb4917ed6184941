import { assertEquals, assertNotEquals } from "@std/assert";
import { parse } from "@std/csv";
import { BetScanner, dayNumber } from "../../shared/bet.ts";
import { WINNING_NUMBER } from "../../testing/lottery_environment.ts";
import { indexOf, madeBet, rowOf, winnersOf } from "./made_bets.ts";

Deno.test("madeBet() returns a valid bet", () => {
  const scanner = new BetScanner(";");
  const today = dayNumber(Date.now());
  for (let index = 0; index < 1000; index++) {
    const { firstName, lastName, document, birthdate, number } = madeBet(3, index);
    const bytes = new TextEncoder().encode(
      [firstName, lastName, document, birthdate, number].join(";"),
    );
    assertEquals(scanner.scan(bytes, 0, bytes.length, today), undefined);
  }
});

Deno.test("indexOf() finds the bet with a document, and no other", () => {
  assertEquals(indexOf(4, madeBet(4, 123).document), 123);
  assertEquals(indexOf(5, madeBet(4, 123).document), -1);
  assertEquals(indexOf(4, "4123"), -1);
  assertNotEquals(madeBet(1, 11).document, madeBet(11, 1).document);
});

Deno.test("rowOf() returns a row that a CSV parser reads as the bet", () => {
  for (let index = 0; index < 100; index++) {
    const { firstName, lastName, document, birthdate, number } = madeBet(2, index);
    const fields = ["2", firstName, lastName, document, birthdate, String(number)];
    assertEquals(parse(rowOf(2, index)), [fields]);
  }
});

Deno.test("winnersOf() returns the documents of the bets on the winning number", () => {
  const documents = [];
  for (let index = 0; index < 500; index++) {
    const { number, document } = madeBet(7, index);
    if (number === WINNING_NUMBER) documents.push(document);
  }
  assertEquals(winnersOf(7, 500), documents);
});
