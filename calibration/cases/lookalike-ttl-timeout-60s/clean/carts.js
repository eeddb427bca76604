'use strict';

const CART_TTL = 60 * 1000;

function CartService() {
  this.carts = {};
}

CartService.prototype.add = function (visitor, item) {
  var self = this;
  var cart = this.carts[visitor];
  if (!cart) {
    cart = this.carts[visitor] = { visitor: visitor, items: [], expiry: null };
  }
  cart.items.push(item);
  clearTimeout(cart.expiry);
  cart.expiry = setTimeout(function () { delete self.carts[visitor]; }, CART_TTL);
  return cart.items.length;
};

module.exports = new CartService();
