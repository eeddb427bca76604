'use strict';

require('reflect-metadata');
const { Controller, Get, Module, Query } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { orderById } = require('./orders.js');

class AppController {
  health() {
    return { ok: true };
  }

  order(id) {
    return orderById(id);
  }
}

class AppModule {}

// What TypeScript would make of `@Controller()`, `@Get('order')` and `@Query('id')`.
function route(name, path) {
  Get(path)(AppController.prototype, name, Object.getOwnPropertyDescriptor(AppController.prototype, name));
}
Controller()(AppController);
route('health', 'health');
route('order', 'order');
Query('id')(AppController.prototype, 'order', 0);
Module({ controllers: [AppController] })(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(process.env.PORT || 0, '127.0.0.1');
  console.log(`listening on ${app.getHttpServer().address().port}`);
}

main();
