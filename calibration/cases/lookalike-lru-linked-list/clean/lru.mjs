// Doubly linked list with a sentinel, newest first.
class Node {
  constructor(key, value) {
    this.key = key;
    this.value = value;
    this.prev = this.next = null;
  }
}

export class LRU {
  constructor(capacity) {
    this.capacity = capacity;
    this.index = new Map();
    this.head = new Node(null, null);
    this.head.prev = this.head.next = this.head;
  }

  get(key) {
    const node = this.index.get(key);
    if (!node) return undefined;
    this.#unlink(node);
    this.#insert(node);
    return node.value;
  }

  set(key, value) {
    if (this.index.size === this.capacity) {
      const last = this.head.prev;
      this.#unlink(last);
      this.index.delete(last.key);
    }
    const node = new Node(key, value);
    this.#insert(node);
    this.index.set(key, node);
  }

  #unlink(node) {
    node.prev.next = node.next;
    node.next.prev = node.prev;
  }

  #insert(node) {
    node.next = this.head.next;
    node.prev = this.head;
    this.head.next.prev = node;
    this.head.next = node;
  }
}

export const queries = new LRU(5000);
