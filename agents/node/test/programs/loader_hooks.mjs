export const resolve = (specifier, context, next) => next(specifier, context);
