# One image for all services: the command says which. Nothing in it runs as root, and it holds no compiler.

FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY bin bin
COPY schemas schemas
COPY topics topics
COPY services services
COPY workflows workflows
COPY replay replay
COPY evals evals
COPY bench bench
COPY infra infra
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/bin bin
# Read as they are, beside the compiled code: schemas, migrations, the API's description.
COPY --from=build /app/schemas schemas
COPY --from=build /app/infra/sql infra/sql
COPY --from=build /app/services/ingress/openapi.json services/ingress/openapi.json
USER node
ENTRYPOINT ["node", "bin/blackboard.mjs"]
CMD ["--help"]
