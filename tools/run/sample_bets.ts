/**
 * Sample bets: people as they might live in Argentina, drawn by a generator of random numbers that gives
 * the same ones for the same seed, everywhere and for ever.
 *
 * @module
 */

import type { Bet } from "../../shared/bet.ts";
import { NUMBER_MAX } from "../../shared/bet.ts";

const FIRST_NAMES = [
  [
    ...["Agustín", "Alejandro", "Andrés", "Ángel", "Bautista", "Benjamín", "Bruno", "Carlos"],
    ...["Damián", "Daniel", "Diego", "Emiliano", "Ezequiel", "Facundo", "Federico", "Felipe"],
    ...["Fernando", "Francisco", "Gabriel", "Gastón", "Gonzalo", "Guillermo", "Hernán", "Ignacio"],
    ...["Iván", "Javier", "Joaquín", "Jorge", "José", "Juan", "Julián", "Lautaro"],
    ...["Leandro", "Lorenzo", "Lucas", "Luis", "Marcelo", "Mariano", "Martín", "Mateo"],
    ...["Matías", "Maximiliano", "Miguel", "Nahuel", "Nicolás", "Pablo", "Ramiro", "Raúl"],
    ...["Ricardo", "Rodrigo", "Santiago", "Sebastián", "Sergio", "Thiago", "Tomás", "Valentín"],
  ],
  [
    ...["Abril", "Agustina", "Alejandra", "Alma", "Ana", "Antonella", "Belén", "Brenda"],
    ...["Camila", "Candela", "Carla", "Carolina", "Catalina", "Cecilia", "Clara", "Claudia"],
    ...["Daniela", "Delfina", "Elena", "Emilia", "Eugenia", "Florencia", "Gabriela", "Guadalupe"],
    ...["Inés", "Josefina", "Julieta", "Laura", "Lucía", "Luján", "Luz", "Magalí"],
    ...["Malena", "Manuela", "María", "Mariana", "Martina", "Micaela", "Milagros", "Mónica"],
    ...["Natalia", "Noelia", "Paula", "Pilar", "Renata", "Rocío", "Romina", "Rosario"],
    ...["Sabrina", "Silvina", "Sofía", "Soledad", "Valeria", "Verónica", "Victoria", "Zoé"],
  ],
] as const;

const LAST_NAMES = [
  ...["Acosta", "Aguirre", "Álvarez", "Arias", "Ávila", "Ayala", "Barrios", "Benítez", "Blanco"],
  ...["Bravo", "Bustos", "Cabrera", "Cáceres", "Cardozo", "Carrizo", "Castillo", "Castro"],
  ...["Chávez", "Córdoba", "Correa", "Coronel", "Díaz", "Domínguez", "Escobar", "Farías"],
  ...["Fernández", "Ferreyra", "Figueroa", "Flores", "Franco", "Gallardo", "García", "Giménez"],
  ...["Godoy", "Gómez", "González", "Gutiérrez", "Guzmán", "Hernández", "Herrera", "Ibáñez"],
  ...["Juárez", "Leguizamón", "López", "Lucero", "Luna", "Maldonado", "Mansilla", "Martín"],
  ...["Martínez", "Medina", "Méndez", "Miranda", "Molina", "Montenegro", "Morales", "Moreno"],
  ...["Moyano", "Muñoz", "Navarro", "Núñez", "Ojeda", "Olivera", "Ortiz", "Páez", "Peralta"],
  ...["Pereyra", "Pérez", "Ponce", "Quiroga", "Ramírez", "Ramos", "Ríos", "Rivero", "Rodríguez"],
  ...["Rojas", "Roldán", "Romero", "Ruiz", "Sánchez", "Silva", "Soria", "Sosa", "Suárez"],
  ...["Toledo", "Torres", "Valdez", "Vargas", "Vázquez", "Velázquez", "Vera", "Villalba", "Yáñez"],
] as const;

/** Years of birth: everyone is of age. */
const BIRTH_YEAR_MIN = 1936;
const BIRTH_YEAR_MAX = 2006;
/** Documents are given out about in the order of birth, so many a year. */
const DOCUMENT_FIRST = 10_000_000;
const DOCUMENTS_A_YEAR = 480_000;

/** Random integers that depend on the seed alone: a counter, each value mixed as splitmix32 does. */
export class RandomIntegers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    bits = (bits ^ (bits >>> 15)) >>> 0;
    return Math.floor(bits / 2 ** 32 * limit);
  }

  /** One of `choices`. */
  choice<Choice>(choices: readonly Choice[]): Choice {
    return choices[this.below(choices.length)];
  }
}

/** Makes a bet that somebody might make. */
export function sampleBet(random: RandomIntegers): Omit<Bet, "agency"> {
  const names = random.choice(FIRST_NAMES);
  const first = random.choice(names);
  const second = random.choice(names);
  const year = BIRTH_YEAR_MIN + random.below(BIRTH_YEAR_MAX - BIRTH_YEAR_MIN + 1);
  const document = DOCUMENT_FIRST + (year - BIRTH_YEAR_MIN) * DOCUMENTS_A_YEAR +
    random.below(DOCUMENTS_A_YEAR);
  return {
    firstName: random.below(2) === 0 || first === second ? first : `${first} ${second}`,
    lastName: random.choice(LAST_NAMES),
    document: String(document),
    birthdate: sampleDate(random, year),
    number: random.below(NUMBER_MAX + 1),
  };
}

function sampleDate(random: RandomIntegers, year: number): string {
  const dayOfYear = random.below(365);
  return new Date(Date.UTC(year, 0, 1 + dayOfYear)).toISOString().slice(0, 10);
}

/** Divides bets among agencies, large and small ones; each gets one at the least. */
export function sampleSizes(random: RandomIntegers, agencies: number, bets: number): number[] {
  const shares = Array.from({ length: agencies }, () => 1 + random.below(40));
  const all = shares.reduce((sum, share) => sum + share, 0);
  const sizes = shares.map((share) => 1 + Math.floor((bets - agencies) * share / all));
  sizes[0] += bets - sizes.reduce((sum, size) => sum + size, 0);
  return sizes;
}
