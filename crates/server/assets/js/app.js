// Entry of the page's scripts.
export {};
