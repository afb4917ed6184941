/**
 * What a visitor chooses: language, light or dark. Remembered in this browser.
 *
 * @module
 */

import { byId, setText } from "./dom.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./words.js").Words} Words */

const root = document.documentElement;
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

/**
 * Shows the language and the theme of the visitor, and changes them with the two buttons.
 *
 * @param {(words: Words) => void} onWords Called now, and each time that the language changes.
 */
export function startPreferences(onWords) {
  let words = wordsOf(chosenLanguage());
  const language = byId("language", HTMLButtonElement);
  const theme = byId("theme", HTMLButtonElement);
  const show = () => {
    root.lang = words.language;
    document.title = words.title;
    setText(language, words.otherLanguage);
    language.lang = words.language === "es" ? "en" : "es";
    setText(theme, isDark() ? words.light : words.dark);
    for (const element of document.querySelectorAll("[data-word]")) {
      const word = words[/** @type {keyof Words} */ (element.getAttribute("data-word"))];
      if (typeof word === "string") setText(element, word);
    }
    onWords(words);
  };
  language.addEventListener("click", () => {
    words = wordsOf(words.language === "es" ? "en" : "es");
    remember("language", words.language);
    show();
  });
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("theme", root.dataset.theme);
    show();
  });
  darkSystem.addEventListener("change", show);
  root.dataset.theme = remembered("theme") ?? "";
  show();
}

/** The language that the visitor chose, else that of the board, else that of the browser. */
function chosenLanguage() {
  const ofBoard = root.dataset.language === "auto" ? null : root.dataset.language;
  const asked = new URLSearchParams(location.search).get("lang");
  const language = asked ?? remembered("language") ?? ofBoard ?? navigator.language;
  return language.startsWith("es") ? "es" : "en";
}

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : darkSystem.matches;
}

/** @param {string} name */
function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // The browser keeps nothing.
  }
}

/** @param {string} name @param {string} value */
function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It holds until the page is closed.
  }
}
