import type { Logger } from '../../runtime/logger.js';
import type { Models } from '../server.js';
import { askModel, createModelDeps, modelConfigured } from './model-adapter.js';
import type { ModelConfig } from './model-config.js';

/** The model room of the gateway's door, or null where no model is configured. Breakers live as long as it does. */
export function createModels(config: ModelConfig, logger?: Logger): Models | null {
  if (!modelConfigured(config)) return null;
  const deps = createModelDeps(config, logger);
  return async ({ system, user, name, schema }, signal) => {
    const { value, modelId, fallbackTaken, usage } = await askModel({ system, user, name, shape: schema, signal }, deps);
    return { value, modelId, fallbackTaken, usage };
  };
}
