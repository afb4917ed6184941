/**
 * Sample bets: of people who might live in Argentina, and the same ones for the same seed on every
 * machine.
 *
 * @module
 */

import { type Bet, NUMBER_MAX } from "../../shared/bet.ts";

const FIRST_NAMES = [
  `Agustín Alejandro Andrés Ángel Bautista Benjamín Bruno Carlos Damián Daniel Diego Emiliano
    Ezequiel Facundo Federico Felipe Fernando Francisco Gabriel Gastón Gonzalo Guillermo Hernán
    Ignacio Iván Javier Joaquín Jorge José Juan Julián Lautaro Leandro Lorenzo Lucas Luis Marcelo
    Mariano Martín Mateo Matías Maximiliano Miguel Nahuel Nicolás Pablo Ramiro Raúl Ricardo
    Rodrigo Santiago Sebastián Sergio Thiago Tomás Valentín`,
  `Abril Agustina Alejandra Alma Ana Antonella Belén Brenda Camila Candela Carla Carolina
    Catalina Cecilia Clara Claudia Daniela Delfina Elena Emilia Eugenia Florencia Gabriela
    Guadalupe Inés Josefina Julieta Laura Lucía Luján Luz Magalí Malena Manuela María Mariana
    Martina Micaela Milagros Mónica Natalia Noelia Paula Pilar Renata Rocío Romina Rosario Sabrina
    Silvina Sofía Soledad Valeria Verónica Victoria Zoé`,
].map((names) => names.split(/\s+/));

const LAST_NAMES =
  `Acosta Aguirre Álvarez Arias Ávila Ayala Barrios Benítez Blanco Bravo Bustos Cabrera Cáceres
  Cardozo Carrizo Castillo Castro Chávez Córdoba Correa Coronel Díaz Domínguez Escobar Farías
  Fernández Ferreyra Figueroa Flores Franco Gallardo García Giménez Godoy Gómez González Gutiérrez
  Guzmán Hernández Herrera Ibáñez Juárez Leguizamón López Lucero Luna Maldonado Mansilla Martín
  Martínez Medina Méndez Miranda Molina Montenegro Morales Moreno Moyano Muñoz Navarro Núñez Ojeda
  Olivera Ortiz Páez Peralta Pereyra Pérez Ponce Quiroga Ramírez Ramos Ríos Rivero Rodríguez Rojas
  Roldán Romero Ruiz Sánchez Silva Soria Sosa Suárez Toledo Torres Valdez Vargas Vázquez Velázquez
  Vera Villalba Yáñez`.split(/\s+/);

/** Range of the years of birth: all of them are of age. */
const BIRTH_YEAR_MIN = 1936;
const BIRTH_YEAR_MAX = 2006;
/** Document numbers are issued roughly in the order of birth, this many per year. */
const DOCUMENT_FIRST = 10_000_000;
const DOCUMENTS_A_YEAR = 480_000;

/** Random integers that depend only on the seed: a counter, each value mixed as splitmix32 does. */
export class RandomIntegers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns an integer from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    bits = (bits ^ (bits >>> 15)) >>> 0;
    return Math.floor(bits / 2 ** 32 * limit);
  }

  /** Returns one of `choices`. */
  choice<Choice>(choices: readonly Choice[]): Choice {
    return choices[this.below(choices.length)];
  }
}

/** Makes a plausible bet. Its properties are in the order of the fields of a row. */
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
    birthdate: new Date(Date.UTC(year, 0, 1 + random.below(365))).toISOString().slice(0, 10),
    number: random.below(NUMBER_MAX + 1),
  };
}

/** Divides bets among small and large agencies; each gets at least one. */
export function sampleSizes(random: RandomIntegers, agencies: number, bets: number): number[] {
  const shares = Array.from({ length: agencies }, () => 1 + random.below(40));
  const all = shares.reduce((sum, share) => sum + share, 0);
  const sizes = shares.map((share) => 1 + Math.floor((bets - agencies) * share / all));
  sizes[0] += bets - sizes.reduce((sum, size) => sum + size, 0);
  return sizes;
}
